#pragma once
// Flags of a message, as bits. System flags are RFC 9051 section 2.3.2's; a keyword is a bit whose name the mailbox knows
// (Mailbox::keywords).

#include <cstddef>
#include <cstdint>

namespace store {

namespace flag {
inline constexpr std::uint8_t seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16;
inline constexpr std::uint8_t recent = 32;  // only told, never set: the message was new when this Mailbox found it
inline constexpr std::uint8_t all = seen | answered | flagged | deleted | draft;
}  // namespace flag

inline constexpr std::size_t keywords_max = 64;        // of a mailbox; who asks for more gets ENOSPC
inline constexpr std::size_t keyword_size_max = 256;

struct Flags {
  std::uint8_t system = 0;
  std::uint64_t keywords = 0;  // bit n: the n-th of Mailbox::keywords()
  bool operator==(const Flags&) const = default;
};

enum class FlagChange : std::uint8_t { set, add, remove };

[[nodiscard]] constexpr Flags changed(Flags before, FlagChange how, Flags what) {
  switch (how) {
    case FlagChange::set: return {static_cast<std::uint8_t>(what.system & flag::all), what.keywords};
    case FlagChange::add:
      return {static_cast<std::uint8_t>(before.system | (what.system & flag::all)), before.keywords | what.keywords};
    case FlagChange::remove: break;
  }
  return {static_cast<std::uint8_t>(before.system & ~what.system), before.keywords & ~what.keywords};
}

}  // namespace store
