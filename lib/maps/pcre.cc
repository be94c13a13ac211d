// pcre:FILE: rules with Perl's regular expressions (PCRE2), within its match limits, compiled to machine code where the
// system lets us.

#define PCRE2_CODE_UNIT_WIDTH 8

#include <array>

#include <fmt/core.h>
#include <pcre2.h>

#include "lib/log/log.h"
#include "lib/maps/pattern_rules.h"

namespace maps {
namespace {

// PCRE2's own defaults, written down so that a build of the library with others does not change what is found.
constexpr std::uint32_t match_limit = 10'000'000;  // steps of one match
constexpr std::uint32_t heap_limit = 64 * 1024;    // KiB of one match
constexpr std::size_t jit_stack_start = 32 * 1024;
constexpr std::size_t jit_stack_limit = 1024 * 1024;

std::string error_text(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  ::pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

// The limits that all patterns of the process share.
pcre2_match_context* shared_context() {
  static pcre2_match_context* const context = [] {
    pcre2_match_context* made = ::pcre2_match_context_create(nullptr);
    if (made == nullptr) return made;
    ::pcre2_set_match_limit(made, match_limit);
    ::pcre2_set_heap_limit(made, heap_limit);
    ::pcre2_jit_stack_assign(made, nullptr, ::pcre2_jit_stack_create(jit_stack_start, jit_stack_limit, nullptr));
    return made;
  }();
  return context;
}

class PerlPattern final : public Pattern {
 public:
  static Result<std::unique_ptr<Pattern>> compile(std::string_view pattern, std::uint32_t options) {
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code* const compiled =
        ::pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &code, &offset, nullptr);
    if (compiled == nullptr) return base::fail(fmt::format("error in regex at offset {}: {}", offset, error_text(code)));
    static_cast<void>(::pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE));  // without it the interpreter does the work
    return std::unique_ptr<Pattern>(new PerlPattern(compiled));
  }
  ~PerlPattern() override {
    ::pcre2_match_data_free(data_);
    ::pcre2_code_free(code_);
  }

  [[nodiscard]] Result<bool> matches(std::string_view text, Groups* groups) const override {
    const int found = ::pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data_, shared_context());
    if (found == PCRE2_ERROR_NOMATCH) return false;
    if (found < 0) return base::fail(error_text(found));
    if (groups == nullptr) return true;
    groups->assign(groups_ + 1, std::string_view{});
    const PCRE2_SIZE* const offsets = ::pcre2_get_ovector_pointer(data_);
    for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i) {
      const PCRE2_SIZE start = offsets[2 * i], end = offsets[2 * i + 1];
      if (start != PCRE2_UNSET && start <= end) (*groups)[i] = text.substr(start, end - start);
    }
    return true;
  }
  [[nodiscard]] std::size_t groups() const override { return groups_; }

 private:
  explicit PerlPattern(pcre2_code* code) : code_(code), data_(::pcre2_match_data_create_from_pattern(code, nullptr)) {
    std::uint32_t count = 0;
    ::pcre2_pattern_info(code_, PCRE2_INFO_CAPTURECOUNT, &count);
    groups_ = count;
  }
  pcre2_code* code_;
  pcre2_match_data* data_;
  std::size_t groups_ = 0;
};

Result<std::unique_ptr<Pattern>> compile_perl(std::string_view pattern, std::string_view options, std::string_view where) {
  std::uint32_t flags = PCRE2_CASELESS | PCRE2_DOTALL;
  for (const char option : options) {
    switch (option) {
      case 'i': flags ^= PCRE2_CASELESS; break;
      case 'm': flags ^= PCRE2_MULTILINE; break;
      case 's': flags ^= PCRE2_DOTALL; break;
      case 'x': flags ^= PCRE2_EXTENDED; break;
      case 'A': flags ^= PCRE2_ANCHORED; break;
      case 'E': flags ^= PCRE2_DOLLAR_ENDONLY; break;
      case 'U': flags ^= PCRE2_UNGREEDY; break;
      case 'X': maillog::warning("{}: ignoring obsolete regexp option \"X\"", where); break;
      default: return base::fail(fmt::format("unknown regexp option \"{}\": skipping this rule", option));
    }
  }
  return PerlPattern::compile(pattern, flags);
}

constexpr PatternLanguage perl_language{
    .name = "pcre",
    .after_missing_delimiter = "ignoring this rule",
    .out_of_range = "out of range",
    .has_exceptions = false,
    .compile = &compile_perl,
};

}  // namespace

OpenResult open_pcre(const OpenRequest& request) {
  return make_text_table(request, {.open_context = "open"}, [flags = request.flags](std::string_view text, std::string_view file) {
    return compile_pattern_rules(perl_language, flags, text, file);
  });
}

}  // namespace maps
