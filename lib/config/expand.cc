#include "lib/config/expand.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/base/idna.h"
#include "lib/config/level.h"

namespace config {

namespace {

using base::fail;

bool is_name_char(char c) { return ascii::is_alnum(c) || c == '_'; }

void skip_space(std::string_view& text) {
  while (!text.empty() && ascii::is_space(text.front())) text.remove_prefix(1);
}

std::string_view take_name(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_name_char);
  const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(name.size());
  return name;
}

// What lies between the bracket that `text` begins with and the one that closes it; `text` then begins behind that.
std::optional<std::string_view> take_bracketed(std::string_view& text) {
  const char open = text.front();
  const char close = open == '{' ? '}' : ')';
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == open) ++depth;
    if (text[i] == close && --depth == 0) {
      const std::string_view inner = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return inner;
    }
  }
  return std::nullopt;
}

enum class Operator { equal, unequal, less, less_equal, greater, greater_equal };

struct Comparison {
  std::string_view text;
  Operator op;
  bool of_levels;
};

// Longer ones first: the first that the text begins with is meant.
constexpr Comparison comparisons[] = {
    {"==level", Operator::equal, true},      {"!=level", Operator::unequal, true},
    {"<=level", Operator::less_equal, true}, {">=level", Operator::greater_equal, true},
    {"<level", Operator::less, true},        {">level", Operator::greater, true},
    {"==", Operator::equal, false},          {"!=", Operator::unequal, false},
    {"<=", Operator::less_equal, false},     {">=", Operator::greater_equal, false},
    {"<", Operator::less, false},            {">", Operator::greater, false},
};

template <class T>
bool holds(Operator op, const T& a, const T& b) {
  switch (op) {
    case Operator::equal: return a == b;
    case Operator::unequal: return a != b;
    case Operator::less: return a < b;
    case Operator::less_equal: return a <= b;
    case Operator::greater: return a > b;
    case Operator::greater_equal: return a >= b;
  }
  return false;
}

bool all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, ascii::is_digit); }

Result<bool> compare(const Comparison& comparison, std::string_view left, std::string_view right) {
  if (comparison.of_levels) return holds(comparison.op, TRY(Level::parse(left)), TRY(Level::parse(right)));
  if (all_digits(left) && all_digits(right)) {
    const auto a = ascii::parse_number(left), b = ascii::parse_number(right);
    if (!a || !b) return fail(fmt::format("bad number in comparison: \"{}\"", a ? right : left));
    return holds(comparison.op, *a, *b);
  }
  return holds(comparison.op, left, right);
}

// A name that cannot be converted is an error: a table must not be asked for something else.
Result<std::string> convert_domain(std::string_view function, std::string_view domain) {
  auto converted = function == "domain_to_ascii" ? idna::to_ascii(domain) : idna::to_unicode(domain);
  if (!converted) return fail(fmt::format("{}: {}", function, converted.error().message()));
  return converted;
}

class Expander {
 public:
  Expander(const Lookup& lookup, Values values) : lookup_(lookup), values_(values) {}

  Result<std::string> text(std::string_view text, int depth) {
    std::string out;
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t dollar = rest.find('$');
      out += rest.substr(0, dollar);
      if (dollar == std::string_view::npos) break;
      rest.remove_prefix(dollar + 1);
      if (!rest.empty() && rest.front() == '$') {
        out += '$';
        rest.remove_prefix(1);
      } else if (!rest.empty() && (rest.front() == '{' || rest.front() == '(')) {
        const auto body = take_bracketed(rest);
        if (!body) return fail(fmt::format("truncated macro reference: \"{}\"", text));
        out += TRY(reference(*body, text, depth));
      } else {
        const std::string_view name = take_name(rest);
        if (name.empty()) return fail(fmt::format("empty macro name: \"{}\"", text));
        out += TRY(value(name, depth));
      }
    }
    return out;
  }

 private:
  Result<std::optional<std::string>> look_up(std::string_view name) { return lookup_(name); }

  Result<std::string> value(std::string_view name, int depth) {
    auto found = TRY(look_up(name));
    if (!found) return std::string();
    if (values_ == Values::verbatim) return std::move(*found);
    if (depth >= max_expand_depth) return fail(fmt::format("unreasonable macro call nesting: \"{}\"", name));
    return text(*found, depth + 1);
  }

  // The inside of ${...}. `whole` is for messages only.
  Result<std::string> reference(std::string_view body, std::string_view whole, int depth) {
    std::string_view rest = body;
    skip_space(rest);
    if (!rest.empty() && rest.front() == '{') return comparison(rest, body, depth);
    const std::string_view name = take_name(rest);
    if (name.empty()) return fail(fmt::format("empty macro name: \"{}\"", whole));
    if (is_function(name) && !rest.empty() && rest.front() == '{') return call(name, rest, body, depth);
    skip_space(rest);
    if (rest.empty()) return value(name, depth);
    if (rest.front() != '?' && rest.front() != ':') return unexpected("attribute name syntax error at: ", body, rest);
    // An alternative is chosen by the value as written: "$other" is not empty even when $other is.
    const auto found = TRY(look_up(name));
    return choose(found && !found->empty(), rest, body, depth);
  }

  static bool is_function(std::string_view name) { return name == "domain_to_ascii" || name == "domain_to_utf8"; }

  Result<std::string> call(std::string_view function, std::string_view rest, std::string_view body, int depth) {
    const auto argument = take_bracketed(rest);
    if (!argument) return fail(fmt::format("truncated macro reference: \"{}\"", body));
    skip_space(rest);
    if (!rest.empty()) return unexpected("unexpected input at: ", body, rest);
    return convert_domain(function, TRY(text(*argument, depth)));
  }

  Result<std::string> comparison(std::string_view rest, std::string_view body, int depth) {
    const std::string left = TRY(operand(rest, body, depth));
    skip_space(rest);
    const auto* found = std::ranges::find_if(comparisons, [&](const auto& c) { return rest.starts_with(c.text); });
    if (found == std::end(comparisons)) {
      // The quotes are Postfix's own.
      return unexpected("\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: ", body, rest);
    }
    rest.remove_prefix(found->text.size());
    skip_space(rest);
    if (rest.empty() || rest.front() != '{') return unexpected("\"{expression}\" expected at: ", body, rest);
    const std::string right = TRY(operand(rest, body, depth));
    const bool is_true = TRY(compare(*found, left, right));
    skip_space(rest);
    if (rest.empty()) return std::string(is_true ? "true" : "");
    if (rest.front() != '?' && rest.front() != ':') return unexpected("\"?\" expected at: ", body, rest);
    return choose(is_true, rest, body, depth);
  }

  Result<std::string> operand(std::string_view& rest, std::string_view body, int depth) {
    const auto inner = take_bracketed(rest);
    if (!inner) return fail(fmt::format("truncated macro reference: \"{}\"", body));
    return text(*inner, depth);
  }

  // `rest` begins with "?" (the text for true) or ":" (the text for false).
  Result<std::string> choose(bool is_true, std::string_view rest, std::string_view body, int depth) {
    const bool for_true = rest.front() == '?';
    rest.remove_prefix(1);
    std::string_view after = rest;
    skip_space(after);
    if (after.empty() || after.front() != '{') return is_true == for_true ? text(after, depth) : std::string();
    const auto first = take_bracketed(after);
    if (!first) return fail(fmt::format("truncated macro reference: \"{}\"", body));
    skip_space(after);
    if (after.empty()) return is_true == for_true ? text(*first, depth) : std::string();
    if (!for_true) return unexpected("unexpected input at: ", body, after);
    if (after.front() != ':') return unexpected("\":\" expected at: ", body, after);
    after.remove_prefix(1);
    skip_space(after);
    if (after.empty() || after.front() != '{') return text(is_true ? *first : after, depth);
    const auto second = take_bracketed(after);
    if (!second) return fail(fmt::format("truncated macro reference: \"{}\"", body));
    skip_space(after);
    if (!after.empty()) return unexpected("unexpected input at: ", body, after);
    return text(is_true ? *first : *second, depth);
  }

  // Shows the place: "...what was read>>>what was not".
  static base::Failure unexpected(std::string_view message, std::string_view body, std::string_view rest) {
    std::string_view before = body.substr(0, body.size() - rest.size());
    while (!before.empty() && ascii::is_space(before.back())) before.remove_suffix(1);
    constexpr std::size_t shown_before = 30, shown_after = 20;
    if (before.size() > shown_before) before.remove_prefix(before.size() - shown_before);
    return fail(fmt::format("{}\"...{}>>>{}\"", message, before, rest.substr(0, shown_after)));
  }

  const Lookup& lookup_;
  const Values values_;
};

}  // namespace

Result<std::string> expand(std::string_view text, const Lookup& lookup, Values values) {
  if (text.find('$') == std::string_view::npos) return std::string(text);
  return Expander(lookup, values).text(text, 0);
}

}  // namespace config
