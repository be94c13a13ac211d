// cidr:FILE: "network result" rules, the first that contains the address wins (cidr_table(5)); "!network", and
// "if network ... endif".

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/maps/logical_lines.h"
#include "lib/maps/network.h"
#include "lib/maps/text_table.h"

namespace maps {
namespace {

struct Rule {
  enum class Kind { result, begin_if, end_if };
  Kind kind = Kind::result;
  int line = 0;
  bool negated = false;
  Network network;
  std::string result;
  std::size_t end = 0;  // begin_if: the index of its end_if

  // Neither a network nor its negation holds for an address of the other family.
  [[nodiscard]] bool holds(const BinaryAddress& address) const {
    return network.size() == address.size && network.contains(address) != negated;
  }
};

class CidrRules final : public Rules {
 public:
  explicit CidrRules(std::vector<Rule> rules) : rules_(std::move(rules)) {}
  // What is not an address is not found.
  [[nodiscard]] Found find(std::string_view key) const override {
    const auto address = BinaryAddress::parse(key);
    if (!address) return {};
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const Rule& rule = rules_[i];
      switch (rule.kind) {
        case Rule::Kind::end_if: break;
        case Rule::Kind::begin_if:
          if (!rule.holds(*address)) i = rule.end;
          break;
        case Rule::Kind::result:
          if (rule.holds(*address)) return rule.result;
          break;
      }
    }
    return {};
  }

 private:
  std::vector<Rule> rules_;
};

class Compiler {
 public:
  explicit Compiler(std::string_view file) : file_(file) {}

  void add(const LogicalLine& line) {
    line_ = line.number;
    const std::string_view text = line.text;
    const auto word_end = std::ranges::find_if_not(text, ascii::is_alpha);
    const std::string_view word(text.begin(), word_end);
    Result<void> added;
    if (ascii::equal_ignoring_case(word, "if") && !continues_address(text, word)) {
      added = add_if(ascii::trim(text.substr(2)));
    } else if (ascii::equal_ignoring_case(word, "endif")) {
      added = add_endif(ascii::trim(text.substr(5)));
    } else {
      added = add_result(text);
    }
    if (!added) warn(fmt::format("{}: skipping this rule", added.error().message()));
  }

  [[nodiscard]] std::unique_ptr<Rules> finish() {
    for (; !open_ifs_.empty(); open_ifs_.pop_back()) {
      line_ = rules_[open_ifs_.back()].line;
      warn("IF has no matching ENDIF");
      rules_[open_ifs_.back()].end = rules_.size();
    }
    return std::make_unique<CidrRules>(std::move(rules_));
  }

 private:
  static bool continues_address(std::string_view text, std::string_view word) {
    return text.size() > word.size() && (ascii::is_digit(text[word.size()]) || text[word.size()] == ':');
  }

  void warn(std::string_view text) const { maillog::warning("cidr map {}, line {}: {}", file_, line_, text); }

  // "!"s off the front of `pattern`; whether they negate.
  static bool take_negation(std::string_view& pattern) {
    bool negated = false;
    for (; pattern.starts_with('!'); pattern = ascii::trim(pattern.substr(1))) negated = !negated;
    return negated;
  }

  Result<void> add_result(std::string_view text) {
    Rule rule;
    rule.line = line_;
    rule.negated = take_negation(text);
    const auto pattern_end = std::ranges::find_if(text, ascii::is_space);
    const std::string_view pattern(text.begin(), pattern_end);
    const std::string_view result = ascii::trim(text.substr(pattern.size()));
    if (pattern.empty()) return base::fail("no address pattern");
    if (result.empty()) return base::fail("no lookup result");
    rule.network = TRY(Network::parse(pattern));
    rule.result = result;
    rules_.push_back(std::move(rule));
    return {};
  }

  Result<void> add_if(std::string_view pattern) {
    Rule rule;
    rule.kind = Rule::Kind::begin_if;
    rule.line = line_;
    rule.negated = take_negation(pattern);
    if (pattern.empty()) return base::fail("no address pattern");
    rule.network = TRY(Network::parse(pattern));
    open_ifs_.push_back(rules_.size());
    rules_.push_back(std::move(rule));
    return {};
  }

  Result<void> add_endif(std::string_view rest) {
    if (!rest.empty()) return base::fail("garbage after ENDIF");
    if (open_ifs_.empty()) return base::fail("ENDIF without IF");
    rules_[open_ifs_.back()].end = rules_.size();
    open_ifs_.pop_back();
    Rule rule;
    rule.kind = Rule::Kind::end_if;
    rules_.push_back(std::move(rule));
    return {};
  }

  std::string_view file_;
  int line_ = 0;
  std::vector<Rule> rules_;
  std::vector<std::size_t> open_ifs_;  // indexes into rules_
};

}  // namespace

OpenResult open_cidr(const OpenRequest& request) {
  return make_text_table(request, {.open_context = "open"}, [](std::string_view text, std::string_view file) {
    Compiler compiler(file);
    LogicalLines lines(text, file);
    while (const auto line = lines.next()) compiler.add(*line);
    return compiler.finish();
  });
}

}  // namespace maps
