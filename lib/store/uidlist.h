#pragma once
// dovecot-uidlist, which says which UID a message's file has:
//   3 V<uidvalidity> N<next uid> G<mailbox id> ...
//   <uid> [<letter><value> ...] :<base name of the file>
// The first line is as of the last time that the file was written as a whole; lines are added behind, so that the next UID
// is the larger of N and the last UID + 1. Version 1 of it, and Courier's courierimapuiddb:
//   1 <uidvalidity> <next uid>
//   <uid> <name>
// Fields of lines (P and O: POP3's UIDL and order, G: a GUID, S and W: sizes) are kept as they are, known or not.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace store {

inline constexpr std::size_t uidlist_size_max = std::size_t{1} << 30;

struct UidlistLine {
  std::uint32_t uid = 0;
  std::string_view fields;  // "P5 W2481"; empty: none
  std::string_view name;    // without ':' and flags
};

struct Uidlist {
  std::uint32_t validity = 0;
  std::uint32_t next = 1;            // at least the last line's UID + 1
  std::string mailbox_id;            // G; empty: none
  std::string extra;                 // other fields of the first line, with a space in front of each
  std::vector<UidlistLine> lines;    // in ascending order of UID; they point into `text`
  std::string text;
  bool whole = true;                 // false: it ends in a torn line, or has lines that are none; to be written anew, not appended to

  Uidlist() = default;
  Uidlist(Uidlist&&) = default;
  Uidlist& operator=(Uidlist&&) = default;
  Uidlist(const Uidlist&) = delete;
  Uidlist& operator=(const Uidlist&) = delete;
  ~Uidlist() = default;

  // An Error: no first line can be read, so that even UIDVALIDITY is unknown. Lines that make no sense (UIDs that do not
  // ascend, names with '/') are left out.
  [[nodiscard]] static Result<Uidlist> parse(std::string text);
  [[nodiscard]] const UidlistLine* find(std::uint32_t uid) const;

  [[nodiscard]] std::string header() const;
  static void append_line(std::string& out, std::uint32_t uid, std::string_view fields, std::string_view name);
};

// The value of the field with that letter.
[[nodiscard]] std::optional<std::string_view> field(std::string_view fields, char letter);

}  // namespace store
