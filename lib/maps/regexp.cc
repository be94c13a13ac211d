// regexp:FILE: rules with POSIX regular expressions, matched without regard to case unless a rule says otherwise.

#include <array>
#include <string>

#include <fmt/core.h>

#include <regex.h>

#include "lib/base/ascii.h"
#include "lib/maps/pattern_rules.h"

namespace maps {
namespace {

std::string error_text(int code, const regex_t& regex) {
  std::array<char, 256> text{};
  ::regerror(code, &regex, text.data(), text.size());
  return text.data();
}

class PosixPattern final : public Pattern {
 public:
  static Result<std::unique_ptr<Pattern>> compile(std::string_view pattern, int flags) {
    auto compiled = std::unique_ptr<PosixPattern>(new PosixPattern);
    const int code = ::regcomp(&compiled->regex_, std::string(pattern).c_str(), flags);
    if (code != 0) return base::fail(error_text(code, compiled->regex_));
    compiled->compiled_ = true;
    return compiled;
  }
  ~PosixPattern() override {
    if (compiled_) ::regfree(&regex_);
  }

  [[nodiscard]] Result<bool> matches(std::string_view text, Groups* groups) const override {
    // REG_STARTEND gives the length, so that a NUL is a character like others; POSIX still wants a string that one ends.
    const std::string subject(text);
    std::vector<regmatch_t> found(groups != nullptr ? regex_.re_nsub + 1 : 1);
    found[0].rm_so = 0;
    found[0].rm_eo = static_cast<regoff_t>(text.size());
    const int code = ::regexec(&regex_, subject.c_str(), groups != nullptr ? found.size() : 0, found.data(), REG_STARTEND);
    if (code == REG_NOMATCH) return false;
    if (code != 0) return base::fail(error_text(code, regex_));
    if (groups == nullptr) return true;
    groups->clear();
    for (const regmatch_t& group : found) {
      const bool took_part = group.rm_so >= 0;
      groups->push_back(took_part ? text.substr(static_cast<std::size_t>(group.rm_so), static_cast<std::size_t>(group.rm_eo - group.rm_so))
                                  : std::string_view{});
    }
    return true;
  }
  [[nodiscard]] std::size_t groups() const override { return regex_.re_nsub; }

 private:
  PosixPattern() = default;
  regex_t regex_{};
  bool compiled_ = false;
};

Result<std::unique_ptr<Pattern>> compile_posix(std::string_view pattern, std::string_view options, std::string_view) {
  int flags = REG_EXTENDED | REG_ICASE;
  for (const char option : options) {
    switch (option) {
      case 'i': flags ^= REG_ICASE; break;
      case 'm': flags ^= REG_NEWLINE; break;
      case 'x': flags ^= REG_EXTENDED; break;
      default: return base::fail(fmt::format("unknown regexp option \"{}\": skipping this rule", option));
    }
  }
  return PosixPattern::compile(pattern, flags);
}

constexpr PatternLanguage posix_language{
    .name = "regexp",
    .after_missing_delimiter = "skipping this rule",
    .out_of_range = "out-of-range",
    .has_exceptions = true,
    .compile = &compile_posix,
};

}  // namespace

OpenResult open_regexp(const OpenRequest& request) {
  return make_text_table(request, {.open_context = "open"}, [flags = request.flags](std::string_view text, std::string_view file) {
    return compile_pattern_rules(posix_language, flags, text, file);
  });
}

}  // namespace maps
