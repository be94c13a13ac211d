#include "lib/imap/list_arguments.h"

#include "lib/base/ascii.h"

namespace imap {
namespace {

Result<void> parse_selection(Values options, ListArguments& arguments) {
  auto& select = arguments.select;
  while (const auto option = options.take()) {
    if (!option->is_atom()) return base::fail("List options contains non-atoms");
    if (option->is("SUBSCRIBED")) select.subscribed = true;
    else if (option->is("REMOTE")) select.remote = true;
    else if (option->is("RECURSIVEMATCH")) select.recursive_match = true;
    else if (option->is("SPECIAL-USE")) select.special_use = true;
    else return base::fail("Unknown select options");
  }
  if (select.recursive_match && !select.subscribed && !select.special_use) return base::fail("RECURSIVEMATCH must not be the only selection");
  return {};
}

Result<void> parse_return(Values options, ListArguments& arguments) {
  auto& returned = arguments.returned;
  while (const auto option = options.take()) {
    if (!option->is_atom()) return base::fail("List options contains non-atoms");
    if (option->is("SUBSCRIBED")) {
      returned.subscribed = true;
    } else if (option->is("CHILDREN")) {
      returned.children = true;
    } else if (option->is("SPECIAL-USE")) {
      returned.special_use = true;
    } else if (const auto items = option->is("STATUS") ? options.take_list() : std::nullopt) {
      returned.status = TRY(StatusItems::parse(*items));
    } else {
      return base::fail("Unknown return options");
    }
  }
  return {};
}

}  // namespace

Result<ListArguments> ListArguments::parse(Values values) {
  ListArguments arguments;
  if (const auto options = values.take_list()) {
    arguments.is_extended = true;
    TRY(parse_selection(*options, arguments));
  }
  const auto reference = values.take_astring();
  if (!reference) return base::fail("Invalid reference");
  arguments.reference = *reference;
  if (const auto patterns = values.take_list()) {
    arguments.is_extended = true;
    for (const Value pattern : *patterns) {
      const auto text = pattern.astring();
      if (!text) return base::fail("Invalid pattern list");
      if (arguments.patterns.size() == list_patterns_limit) return base::fail("Too many patterns");
      arguments.patterns.emplace_back(*text);
    }
  } else if (const auto pattern = values.take_astring()) {
    arguments.patterns.emplace_back(*pattern);
  } else {
    return base::fail("Invalid pattern");
  }
  if (values.empty()) return arguments;
  const auto options = values.take_word("RETURN") ? values.take_list() : std::nullopt;
  if (!options || !values.empty()) return base::fail("Extra arguments");
  arguments.is_extended = true;
  TRY(parse_return(*options, arguments));
  return arguments;
}

Result<ListArguments> ListArguments::parse_lsub(Values values) {
  if (values.empty() || values.front().is_list()) return base::fail("Invalid reference");
  auto arguments = TRY(parse(values));
  if (arguments.is_extended && values.size() > 2) return base::fail("Extra arguments");
  return arguments;
}

}  // namespace imap
