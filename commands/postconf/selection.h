#pragma once
// Which services, fields and settings of master.cf an argument means: "service/type/member", where "*" stands for any.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/config/master_cf.h"

namespace postconf {

class Selection {
 public:
  // `parts_min` to `parts_max` parts; the error is `mistake`.
  static Result<Selection> parse(std::string_view text, std::size_t parts_min, std::size_t parts_max,
                                 std::string_view mistake);

  [[nodiscard]] bool matches(const config::MasterLine& line) const;
  // A selection without third part has all members.
  [[nodiscard]] bool matches_member(std::string_view name) const;
  [[nodiscard]] std::string_view member() const { return parts_.size() > 2 ? std::string_view(parts_[2]) : "*"; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> parts_;
};

// The names of the columns of master.cf for -F, in order: "service", "type", ... "command".
inline constexpr std::string_view field_names[] = {"service", "type",   "private",       "unprivileged",
                                                   "chroot",  "wakeup", "process_limit", "command"};

// The place in field_names, or the error for a name that is none.
[[nodiscard]] Result<std::size_t> field_number(std::string_view name);

// What is wrong with a line's columns, in postconf's words; `shown` is the text to quote.
[[nodiscard]] Result<void> check_fields(const config::MasterLine& line, std::string_view shown);

}  // namespace postconf
