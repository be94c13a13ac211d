#include "lib/maps/pattern_rules.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/maps/logical_lines.h"
#include "lib/maps/replacement.h"

namespace maps {
namespace {

struct Test {
  std::unique_ptr<Pattern> pattern;
  bool negated = false;
};

struct Rule {
  enum class Kind { result, begin_if, end_if };
  Kind kind = Kind::result;
  int line = 0;
  Test test;
  std::unique_ptr<Pattern> exception;  // "/pattern/!/exception/": no match where this matches, too
  Replacement result;
  std::size_t end = 0;                 // begin_if: the index of its end_if
};

class PatternRules final : public Rules {
 public:
  PatternRules(std::string where, std::vector<Rule> rules) : where_(std::move(where)), rules_(std::move(rules)) {}

  [[nodiscard]] Found find(std::string_view key) const override {
    Groups groups;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const Rule& rule = rules_[i];
      switch (rule.kind) {
        case Rule::Kind::end_if: break;
        case Rule::Kind::begin_if:
          if (!holds(rule, key, nullptr)) i = rule.end;
          break;
        case Rule::Kind::result:
          if (holds(rule, key, &groups)) return rule.result.expand(groups);
          break;
      }
    }
    return {};
  }

 private:
  // A text that cannot be matched within the limits matches nothing, with a warning.
  bool holds(const Rule& rule, std::string_view key, Groups* groups) const {
    const auto matched = matches(*rule.test.pattern, rule, key, rule.test.negated ? nullptr : groups);
    if (!matched || *matched == rule.test.negated) return false;
    return rule.exception == nullptr || !matches(*rule.exception, rule, key, nullptr).value_or(true);
  }
  std::optional<bool> matches(const Pattern& pattern, const Rule& rule, std::string_view key, Groups* groups) const {
    const auto matched = pattern.matches(key, groups);
    if (matched) return *matched;
    maillog::warning("{}, line {}: {}", where_, rule.line, matched.error().message());
    return std::nullopt;
  }

  std::string where_;  // "regexp map FILE"
  std::vector<Rule> rules_;
};

// "if" or "endif" at the start of `line`, in any case and not as the beginning of a longer word.
bool starts_with_keyword(std::string_view line, std::string_view keyword) {
  return ascii::starts_with_ignoring_case(line, keyword) &&
         (line.size() == keyword.size() || !ascii::is_alnum(line[keyword.size()]));
}

class Compiler {
 public:
  Compiler(const PatternLanguage& language, Flags flags, std::string_view file)
      : language_(language), flags_(flags), where_(fmt::format("{} map {}", language.name, file)) {}

  void add(const LogicalLine& line) {
    line_ = line.number;
    std::string_view text = line.text;
    Result<void> added;
    if (!ascii::is_alnum(text.front())) {
      added = add_result(text);
    } else if (starts_with_keyword(text, "if")) {
      added = add_if(text.substr(2));
    } else if (starts_with_keyword(text, "endif")) {
      add_endif(text.substr(5));
    } else {
      warn("ignoring unrecognized request");
    }
    if (!added) warn(added.error().message());
  }

  [[nodiscard]] std::unique_ptr<Rules> finish() {
    while (!open_ifs_.empty()) {
      const std::size_t open = open_ifs_.back();
      open_ifs_.pop_back();
      line_ = rules_[open].line;
      warn("IF has no matching ENDIF");
      rules_[open].end = rules_.size();
    }
    return std::make_unique<PatternRules>(where_, std::move(rules_));
  }

 private:
  void warn(std::string_view text) const { maillog::warning("{}, line {}: {}", where_, line_, text); }

  // "!"s, then a pattern between delimiters, then its option letters. Takes them off `text`.
  Result<Test> take_test(std::string_view& text) {
    Test test;
    text = ascii::trim(text);
    while (text.starts_with('!')) {
      test.negated = !test.negated;
      text = ascii::trim(text.substr(1));
    }
    if (text.empty()) return base::fail("no regexp: skipping this rule");
    test.pattern = TRY(take_pattern(text));
    return test;
  }

  Result<std::unique_ptr<Pattern>> take_pattern(std::string_view& text) {
    const char delimiter = text.front();
    std::size_t end = 1;
    while (end < text.size() && text[end] != delimiter) end += text[end] == '\\' ? 2 : 1;
    if (end >= text.size()) {
      return base::fail(fmt::format("no closing regexp delimiter \"{}\": {}", delimiter, language_.after_missing_delimiter));
    }
    const std::string_view pattern = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    const auto options_end = std::ranges::find_if(
        text, [this](char c) { return ascii::is_space(c) || (c == '!' && language_.has_exceptions); });
    const std::string_view options(text.begin(), options_end);
    text.remove_prefix(options.size());
    return language_.compile(pattern, options, fmt::format("{}, line {}", where_, line_));
  }

  Result<void> add_result(std::string_view text) {
    Rule rule;
    rule.line = line_;
    rule.test = TRY(take_test(text));
    if (language_.has_exceptions && text.starts_with('!')) {
      text = ascii::trim(text.substr(1));
      if (text.empty()) return base::fail("no regexp: skipping this rule");
      rule.exception = TRY(take_pattern(text));
    }
    text = ascii::trim(text);
    if (text.empty()) warn("no replacement text: using empty string");
    Result<Replacement> result = Replacement::parse(text, language_.out_of_range);
    if (!result) {
      const bool names_rule = result.error().message().contains("replacement index");
      if (names_rule) warn(result.error().message());
      else maillog::warning("{}", result.error().message());
      return base::fail("bad replacement syntax: skipping this rule");
    }
    TRY(check(rule, *result));
    rule.result = std::move(*result);
    rules_.push_back(std::move(rule));
    return {};
  }

  Result<void> check(const Rule& rule, const Replacement& result) const {
    if (result.highest_group() == 0) return {};
    if (rule.test.negated) return base::fail("$number found in negative match replacement text: skipping this rule");
    if (has(flags_, Flags::no_substitution)) return base::fail("regular expression substitution is not allowed: skipping this rule");
    if (result.highest_group() > rule.test.pattern->groups()) {
      return base::fail(fmt::format("out of range replacement index \"{}\": skipping this rule", result.highest_group()));
    }
    return {};
  }

  Result<void> add_if(std::string_view text) {
    Rule rule;
    rule.kind = Rule::Kind::begin_if;
    rule.line = line_;
    rule.test = TRY(take_test(text));
    text = ascii::trim(text);
    if (!text.empty()) {
      warn(fmt::format("ignoring extra text after IF statement: \"{}\"", text));
      warn("do not prepend whitespace to statements between IF and ENDIF");
    }
    open_ifs_.push_back(rules_.size());
    rules_.push_back(std::move(rule));
    return {};
  }

  void add_endif(std::string_view text) {
    if (open_ifs_.empty()) return warn("ignoring ENDIF without matching IF");
    text = ascii::trim(text);
    if (!text.empty()) warn("ignoring extra text after ENDIF");
    rules_[open_ifs_.back()].end = rules_.size();
    open_ifs_.pop_back();
    Rule rule;
    rule.kind = Rule::Kind::end_if;
    rule.line = line_;
    rules_.push_back(std::move(rule));
  }

  const PatternLanguage& language_;
  Flags flags_;
  std::string where_;
  int line_ = 0;
  std::vector<Rule> rules_;
  std::vector<std::size_t> open_ifs_;  // indexes into rules_
};

}  // namespace

std::unique_ptr<Rules> compile_pattern_rules(const PatternLanguage& language, Flags flags, std::string_view text, std::string_view file) {
  Compiler compiler(language, flags, file);
  LogicalLines lines(text, file);
  while (const auto line = lines.next()) compiler.add(*line);
  return compiler.finish();
}

}  // namespace maps
