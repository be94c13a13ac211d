#pragma once
// Sets of message numbers: as a client writes them (SequenceSet), and as numbers (NumberSet). RFC 9051: sequence-set.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace imap {

// Of one set that a client writes.
inline constexpr std::size_t ranges_limit = 65'536;

// What numbers are: of messages (FETCH), or UIDs (UID FETCH).
enum class Numbering : std::uint8_t { message, uid };

// Both ends are in it, first <= last.
struct Range {
  std::uint32_t first = 0, last = 0;
  bool operator==(const Range&) const = default;
};

// Numbers from 1 up: ranges that ascend and do not touch.
class NumberSet {
 public:
  NumberSet() = default;
  // Any order, overlapping; first and last of one may be exchanged.
  static NumberSet of(std::vector<Range> ranges);

  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] bool contains(std::uint32_t number) const;   // logarithmic
  // Fast where numbers ascend; else linear.
  void add(std::uint32_t number) { add({number, number}); }
  void add(Range range);
  // The numbers that are in both, and in this one only.
  [[nodiscard]] NumberSet within(const NumberSet& other) const;
  [[nodiscard]] NumberSet without(const NumberSet& other) const;
  // "1:3,7"; empty for the empty set, which has no text in IMAP.
  [[nodiscard]] std::string text() const;
  bool operator==(const NumberSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

// "2,1,5:7": numbers in an order of their own (RFC 5267 section 3.1). Empty for none.
[[nodiscard]] std::string ordered_text(std::span<const std::uint32_t> numbers);

// "1:*,5" or "$". What '*' means depends on the mailbox, so it stays until resolve().
class SequenceSet {
 public:
  // Fails with the words for BAD.
  static Result<SequenceSet> parse(std::string_view text);
  // The result that SEARCH RETURN (SAVE) has kept (RFC 5182).
  [[nodiscard]] bool is_saved_result() const { return is_saved_result_; }
  // The largest number that is named, not counting '*'; 0 when there is none. A message number above EXISTS is an error of
  // the client; a UID is not.
  [[nodiscard]] std::uint32_t largest_named() const { return largest_named_; }
  [[nodiscard]] bool has_star() const;
  // `largest` is that of the mailbox, which '*' stands for; 0 in an empty mailbox, where '*' names nothing. Numbers beyond it
  // stay in the set. Not for the saved result.
  [[nodiscard]] NumberSet resolve(std::uint32_t largest) const;

 private:
  std::vector<Range> ranges_;         // as written; 0 is '*'
  std::uint32_t largest_named_ = 0;
  bool is_saved_result_ = false;
};

}  // namespace imap
