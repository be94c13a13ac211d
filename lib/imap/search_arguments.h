#pragma once
// The arguments of SEARCH, SORT (RFC 5256, 5957), THREAD and CANCELUPDATE (RFC 5267), with RETURN (RFC 4731, 5182, 5267, 9394) and CHARSET.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/imap/arguments.h"
#include "lib/imap/search_program.h"

namespace imap {

inline constexpr std::size_t sort_keys_limit = 32;

// What RETURN asks for. Where it names no result, ALL is meant, and parse() has set it.
struct SearchReturn {
  bool is_given = false;      // the answer is ESEARCH
  bool min = false, max = false, all = false, count = false;
  bool save = false;          // RFC 5182: keep the result as $
  bool context = false, update = false;   // RFC 5267
  bool relevancy = false;     // RFC 6203
  // RFC 9394: 1:500 are the first ones, -1:-500 the last. Both have the same sign, |first| <= |last|.
  struct Partial { std::int64_t first = 0, last = 0; bool operator==(const Partial&) const = default; };
  std::optional<Partial> partial;

  // "1:500", "-1:-100"; its ends may be exchanged. None when it is neither.
  static std::optional<Partial> parse_partial(std::string_view text);
};

enum class SortKey : std::uint8_t { arrival, cc, date, from, size, subject, to, display_from, display_to, relevancy, x_score };
struct SortCriterion {
  SortKey key = SortKey::arrival;
  bool is_reverse = false;
  bool operator==(const SortCriterion&) const = default;
};

enum class ThreadAlgorithm : std::uint8_t { ordered_subject, references, refs };

// Each fails with the words for BAD. The charset is as written, empty when none was named; whether it is known is the
// caller's matter (NO [BADCHARSET]).
struct SearchArguments {
  SearchReturn returned;
  std::string charset;
  SearchProgram program;
  static Result<SearchArguments> parse(Values values);
};

struct SortArguments {
  SearchReturn returned;
  std::vector<SortCriterion> criteria;
  std::string charset;
  SearchProgram program;
  static Result<SortArguments> parse(Values values);
};

struct ThreadArguments {
  ThreadAlgorithm algorithm = ThreadAlgorithm::references;
  std::string charset;
  SearchProgram program;
  static Result<ThreadArguments> parse(Values values);
};

// The tags of CANCELUPDATE: strings.
Result<std::vector<std::string>> parse_cancel_update(Values values);

}  // namespace imap
