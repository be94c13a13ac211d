#include "lib/maps/replacement.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace maps {
namespace {

constexpr std::uint64_t group_limit = 999;

bool is_name_character(char c) { return ascii::is_alnum(c) || c == '_'; }

// The name after '$' and how many characters the reference takes.
struct Reference {
  std::string_view name;
  std::size_t length;
};

Result<Reference> parse_reference(std::string_view text, std::string_view whole) {
  if (text.starts_with('{') || text.starts_with('(')) {
    const std::size_t close = text.find(text.front() == '{' ? '}' : ')');
    if (close == std::string_view::npos) return base::fail(fmt::format("truncated macro reference: \"{}\"", whole));
    return Reference{text.substr(1, close - 1), close + 1};
  }
  const auto end = std::ranges::find_if_not(text, is_name_character);
  const auto length = static_cast<std::size_t>(end - text.begin());
  if (length == 0) return base::fail(fmt::format("empty macro name: \"{}\"", whole));
  return Reference{text.substr(0, length), length};
}

}  // namespace

Result<Replacement> Replacement::parse(std::string_view text, std::string_view out_of_range) {
  Replacement result;
  std::string literal;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      literal += text[i++];
      continue;
    }
    ++i;
    if (text.substr(i).starts_with('$')) {
      literal += '$';
      ++i;
      continue;
    }
    const Reference reference = TRY(parse_reference(text.substr(i), text));
    const auto group = ascii::parse_number(reference.name, group_limit);
    if (!group) return base::fail(fmt::format("non-numeric replacement index \"{}\"", reference.name));
    if (*group == 0) return base::fail(fmt::format("{} replacement index \"{}\"", out_of_range, reference.name));
    result.parts_.push_back(Part{std::exchange(literal, {}), *group});
    result.highest_ = std::max<std::size_t>(result.highest_, *group);
    i += reference.length;
  }
  if (!literal.empty()) result.parts_.push_back(Part{std::move(literal)});
  return result;
}

std::string Replacement::expand(std::span<const std::string_view> groups) const {
  std::string text;
  for (const Part& part : parts_) {
    text += part.literal;
    if (part.group > 0 && part.group < groups.size()) text += groups[part.group];
  }
  return text;
}

}  // namespace maps
