#pragma once
// What regexp and pcre tables share: the rules (regexp_table(5), pcre_table(5)) and the order in which they are tried.
//
//   /pattern/flags result        !/pattern/flags result        if /pattern/flags ... endif        if !/pattern/flags ... endif
//
// The two differ in their pattern language and in a few words of their warnings.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/maps/text_table.h"

namespace maps {

// What each group matched; [0] is the whole. A group that took no part is empty.
using Groups = std::vector<std::string_view>;

class Pattern {
 public:
  Pattern() = default;
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  virtual ~Pattern() = default;
  // `groups`, when given, is filled on a match. The error: the text could not be matched within the limits.
  [[nodiscard]] virtual Result<bool> matches(std::string_view text, Groups* groups) const = 0;
  // The number of groups in the pattern.
  [[nodiscard]] virtual std::size_t groups() const = 0;
};

struct PatternLanguage {
  std::string_view name;                    // "regexp", for warnings
  std::string_view after_missing_delimiter; // "skipping this rule" or "ignoring this rule"
  std::string_view out_of_range;            // "out-of-range" or "out of range"
  bool has_exceptions;                      // "/pattern/!/pattern/ result"
  // The error's message is what goes behind "NAME map FILE, line N: ". Remarks that do not spoil the rule are logged,
  // `where` in front.
  Result<std::unique_ptr<Pattern>> (*compile)(std::string_view pattern, std::string_view options, std::string_view where);
};

[[nodiscard]] std::unique_ptr<Rules> compile_pattern_rules(const PatternLanguage& language, Flags flags, std::string_view text,
                                                           std::string_view file);

}  // namespace maps
