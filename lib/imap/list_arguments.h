#pragma once
// The arguments of LIST and LSUB (RFC 9051 section 6.3.9, RFC 5258; RFC 5819 STATUS, RFC 6154 SPECIAL-USE).

#include <cstddef>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"
#include "lib/imap/mailbox_arguments.h"

namespace imap {

inline constexpr std::size_t list_patterns_limit = 100;

struct ListArguments {
  std::string reference;                 // as written
  std::vector<std::string> patterns;     // as written; none for "()", which finds nothing
  bool is_extended = false;              // selection options, several patterns or RETURN
  struct {
    bool subscribed = false, remote = false, recursive_match = false, special_use = false;
  } select;
  struct {
    bool subscribed = false, children = false, special_use = false;
    StatusItems status;                  // empty: not asked
  } returned;

  // Fails with the words for BAD.
  static Result<ListArguments> parse(Values values);
  // LSUB knows no options.
  static Result<ListArguments> parse_lsub(Values values);
};

}  // namespace imap
