#pragma once
// Which sanitizer this is built with: EVENT_WITH_ASAN, EVENT_WITH_TSAN, or neither.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVENT_WITH_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define EVENT_WITH_TSAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define EVENT_WITH_ASAN
#endif
#ifdef __SANITIZE_THREAD__
#define EVENT_WITH_TSAN
#endif

namespace event {

#if defined(EVENT_WITH_ASAN) || defined(EVENT_WITH_TSAN)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace event
