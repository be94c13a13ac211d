#pragma once
// What is known of an address: an entry of address_verify_map, in Postfix's form "status:probed:updated:text".

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/ipc/messages/verify.h"

namespace verify {

// An answer to a probe that is not there after this time has got lost.
inline constexpr std::chrono::seconds probe_lifetime{1000};
inline constexpr std::string_view in_progress = "Address verification in progress";

struct Times {
  std::chrono::seconds positive_expire, positive_refresh, negative_expire, negative_refresh;
};

struct Entry {
  ipc::VerifyState state = ipc::VerifyState::todo;
  std::chrono::seconds probed{0};   // since 1970: the last probe that was sent and has not come back; 0: none
  std::chrono::seconds updated{0};  // when this was found out; 0: never
  std::string text = std::string(in_progress);

  // None: not an entry.
  static std::optional<Entry> parse(std::string_view text);
  [[nodiscard]] std::string format() const;

  // A probe is under way.
  [[nodiscard]] bool is_probed(std::chrono::seconds now) const { return now < probed + probe_lifetime; }
  // What was found out is too old to be told.
  [[nodiscard]] bool is_expired(const Times& times, std::chrono::seconds now) const;
  // It is time to find out again.
  [[nodiscard]] bool is_stale(const Times& times, std::chrono::seconds now) const;
};

}  // namespace verify
