#pragma once
// What SEARCH asks (RFC 9051 section 6.4.4; RFC 5032 WITHIN, 5182 $, 6203 FUZZY, 7162 MODSEQ, 8474 ids, 8514 SAVEDATE) as a flat
// tree: nodes depth first, each knowing where what is below it ends. Nothing that walks it needs recursion.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"
#include "lib/imap/sequence_set.h"

namespace imap {

inline constexpr std::size_t search_depth_limit = 1000;
inline constexpr std::size_t search_nodes_limit = 10'000;

enum class SearchKey : std::uint8_t {
  // Operators; their operands are the nodes below.
  and_, or_, not_,
  // Leaves without argument.
  all, answered, deleted, draft, flagged, seen, recent,
  save_date_supported,
  // `text`
  keyword, email_id, thread_id, x_guid, x_mailbox,
  header,        // `field` and `text`; an empty text: the field is there
  body, text,
  // `set`
  message_numbers, uids, x_real_uids,
  // `number`
  larger, smaller, modseq,
  older, younger,                         // seconds (RFC 5032)
  // `day`, without time and zone
  before, on, since,                      // INTERNALDATE, in the zone of the server
  sent_before, sent_on, sent_since,       // the Date header's own day
  saved_before, saved_on, saved_since,
};

struct SearchNode {
  SearchKey key = SearchKey::all;
  bool is_fuzzy = false;
  std::uint32_t next = 0;          // the place behind this node and all that is below it
  std::uint64_t number = 0;
  std::chrono::sys_days day{};
  std::string field;               // upper case: FROM, SUBJECT, ..
  std::string text;                // in the charset of the command
  SequenceSet set;                 // may be the saved result
};

// Whether a message matches, as far as it is known.
enum class Truth : std::uint8_t { no, yes, unknown };

struct SearchProgram {
  // The root, which is an and_, is the first. UNSEEN is a not_ of seen, FROM a header; an OR in an OR is one with it, as is a
  // list in a list. An operator has one operand at least, and not_ one.
  std::vector<SearchNode> nodes;

  // All values are keys, which are ANDed; none is an error. Fails with the words for BAD.
  static Result<SearchProgram> parse(Values values);
  [[nodiscard]] bool uses(SearchKey key) const;

  // `leaf(node)` tells the Truth of a leaf. Operands are asked from left to right, and no more of them than decide. With
  // unknown leaves the answer may be unknown: ask again with a leaf that knows more (first flags, then cache, then the text).
  template <class Leaf>
  [[nodiscard]] Truth evaluate(Leaf&& leaf) const;
};

template <class Leaf>
Truth SearchProgram::evaluate(Leaf&& leaf) const {
  struct Open { std::uint32_t place; Truth value; };
  std::vector<Open> open;
  for (std::uint32_t i = 0;;) {
    const SearchNode& node = nodes[i];
    Truth value{};
    if (node.key == SearchKey::and_ || node.key == SearchKey::not_) value = Truth::yes;
    else if (node.key == SearchKey::or_) value = Truth::no;
    else value = leaf(node);
    if (node.key <= SearchKey::not_ && node.next > i + 1) {
      open.push_back({i++, value});
      continue;
    }
    i = node.next;
    // Gives the value to the operator above, which may end with it.
    for (;;) {
      if (open.empty()) return value;
      Open& above = open.back();
      const SearchNode& parent = nodes[above.place];
      bool is_decided = false;
      if (parent.key == SearchKey::not_) {
        above.value = value == Truth::unknown ? Truth::unknown : value == Truth::yes ? Truth::no : Truth::yes;
      } else {
        const Truth decisive = parent.key == SearchKey::and_ ? Truth::no : Truth::yes;
        if (value == decisive) {
          above.value = value;
          is_decided = true;
        } else if (value == Truth::unknown) {
          above.value = value;
        }
      }
      if (!is_decided && i < parent.next) break;
      value = above.value;
      i = parent.next;
      open.pop_back();
    }
  }
}

}  // namespace imap
