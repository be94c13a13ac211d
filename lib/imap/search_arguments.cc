#include "lib/imap/search_arguments.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/ascii.h"

namespace imap {
namespace {

struct SortRow { std::string_view name; SortKey key; };
constexpr std::array sort_keys{SortRow{"ARRIVAL", SortKey::arrival}, SortRow{"CC", SortKey::cc},
                               SortRow{"DATE", SortKey::date}, SortRow{"FROM", SortKey::from},
                               SortRow{"SIZE", SortKey::size}, SortRow{"SUBJECT", SortKey::subject},
                               SortRow{"TO", SortKey::to}, SortRow{"DISPLAYFROM", SortKey::display_from},
                               SortRow{"DISPLAYTO", SortKey::display_to}, SortRow{"RELEVANCY", SortKey::relevancy},
                               SortRow{"X-SCORE", SortKey::x_score}};

struct FlagOption { std::string_view name; bool SearchReturn::*member; };
constexpr std::array return_options{FlagOption{"MIN", &SearchReturn::min}, FlagOption{"MAX", &SearchReturn::max},
                                    FlagOption{"ALL", &SearchReturn::all}, FlagOption{"COUNT", &SearchReturn::count},
                                    FlagOption{"SAVE", &SearchReturn::save}, FlagOption{"CONTEXT", &SearchReturn::context},
                                    FlagOption{"UPDATE", &SearchReturn::update}, FlagOption{"RELEVANCY", &SearchReturn::relevancy}};

// One end of a range: its number, and whether it counts from the last one. None for 0 too.
std::optional<std::int64_t> partial_end(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto number = ascii::parse_number(text, UINT32_MAX);
  if (!number || *number == 0) return std::nullopt;
  return is_negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
}

// "RETURN (..)" at the front of `values`, if it is there.
Result<SearchReturn> take_return(Values& values) {
  SearchReturn returned;
  Values rest = values;
  if (!rest.take_word("RETURN") || rest.empty() || !rest.front().is_list()) return returned;
  returned.is_given = true;
  for (Values options = *rest.take_list(); !options.empty();) {
    const Value option = *options.take();
    if (option.is("PARTIAL")) {
      const auto range = options.take_atom();
      if (!range) return base::fail("PARTIAL range missing");
      returned.partial = SearchReturn::parse_partial(*range);
      if (!returned.partial) return base::fail("PARTIAL range broken");
      continue;
    }
    const auto row = std::ranges::find_if(return_options, [&](const FlagOption& it) { return option.is(it.name); });
    if (row == return_options.end()) return base::fail("Unknown SEARCH return option");
    returned.*row->member = true;
  }
  if (returned.partial && returned.all) return base::fail("PARTIAL conflicts with ALL");
  const bool has_result = returned.min || returned.max || returned.count || returned.save || returned.update || returned.relevancy;
  if (!has_result && !returned.partial) returned.all = true;
  values = rest;
  return returned;
}

Result<std::string> take_charset(Values& values) {
  const auto charset = values.take_astring();
  if (!charset) return base::fail("Invalid charset argument");
  return std::string(*charset);
}

Result<std::vector<SortCriterion>> parse_criteria(Values values) {
  std::vector<SortCriterion> criteria;
  bool is_reverse = false, has_key = true;
  if (values.empty()) return base::fail("Empty sort program");
  for (const Value value : values) {
    const auto name = value.astring();
    if (!name) return base::fail("Invalid sort list argument");
    if (ascii::equal_ignoring_case(*name, "REVERSE")) {
      is_reverse = !is_reverse;   // as Dovecot has it
      has_key = false;
      continue;
    }
    const auto row = std::ranges::find_if(sort_keys, [&](const SortRow& it) { return ascii::equal_ignoring_case(*name, it.name); });
    if (row == sort_keys.end()) return base::fail("Unknown sort argument: " + ascii::printable(ascii::uppercase(*name)));
    if (criteria.size() == sort_keys_limit) return base::fail("Too many sort arguments");
    criteria.push_back({.key = row->key, .is_reverse = std::exchange(is_reverse, false)});
    has_key = true;
  }
  if (!has_key) return base::fail("Sort list ends with REVERSE");
  return criteria;
}

}  // namespace

std::optional<SearchReturn::Partial> SearchReturn::parse_partial(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto first = partial_end(text.substr(0, colon)), last = partial_end(text.substr(colon + 1));
  if (!first || !last || (*first < 0) != (*last < 0)) return std::nullopt;
  const auto [low, high] = std::minmax(*first, *last);
  return low < 0 ? Partial{.first = high, .last = low} : Partial{.first = low, .last = high};
}

Result<SearchArguments> SearchArguments::parse(Values values) {
  SearchArguments arguments;
  arguments.returned = TRY(take_return(values));
  if (values.take_word("CHARSET")) arguments.charset = TRY(take_charset(values));
  arguments.program = TRY(SearchProgram::parse(values));
  return arguments;
}

Result<SortArguments> SortArguments::parse(Values values) {
  SortArguments arguments;
  arguments.returned = TRY(take_return(values));
  const auto criteria = values.take_list();
  if (!criteria) return base::fail("Invalid sort argument");
  arguments.criteria = TRY(parse_criteria(*criteria));
  arguments.charset = TRY(take_charset(values));
  arguments.program = TRY(SearchProgram::parse(values));
  return arguments;
}

Result<ThreadArguments> ThreadArguments::parse(Values values) {
  ThreadArguments arguments;
  const auto algorithm = values.take_astring(), charset = values.take_astring();
  if (!algorithm) return base::fail("Invalid arguments");
  if (ascii::equal_ignoring_case(*algorithm, "ORDEREDSUBJECT")) arguments.algorithm = ThreadAlgorithm::ordered_subject;
  else if (ascii::equal_ignoring_case(*algorithm, "REFERENCES")) arguments.algorithm = ThreadAlgorithm::references;
  else if (ascii::equal_ignoring_case(*algorithm, "REFS")) arguments.algorithm = ThreadAlgorithm::refs;
  else return base::fail(charset ? "Unknown thread algorithm" : "Invalid arguments");
  if (!charset) return base::fail("Invalid arguments");
  arguments.charset = *charset;
  arguments.program = TRY(SearchProgram::parse(values));
  return arguments;
}

Result<std::vector<std::string>> parse_cancel_update(Values values) {
  std::vector<std::string> tags;
  for (const Value value : values) {
    if (!value.is_string()) return base::fail("Invalid parameters");
    tags.emplace_back(value.text());
  }
  if (tags.empty()) return base::fail("Invalid parameters");
  return tags;
}

}  // namespace imap
