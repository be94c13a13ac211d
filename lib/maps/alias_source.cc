#include "lib/maps/alias_source.h"

#include <algorithm>
#include <span>

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/tokens.h"
#include "lib/maps/source.h"

namespace maps {
namespace {

// "name: values"; the error's message is the reference's warning.
Result<AliasEntry> parse_alias(const LogicalLine& line) {
  const std::vector<mail::Token> tokens = mail::tokenize(line.text);
  const auto colon = std::ranges::find_if(tokens, [](const mail::Token& token) { return token.is(':'); });
  const std::span<const mail::Token> name(tokens.begin(), colon);
  const bool lists_names = std::ranges::any_of(name, [](const mail::Token& token) { return token.is(','); });
  if (name.empty() || lists_names || colon == tokens.end() || colon + 1 == tokens.end()) {
    return base::fail("need name:value pair");
  }
  if (std::ranges::any_of(name, [](const mail::Token& token) { return token.is('@'); })) {
    return base::fail("name must be local and have no domain");
  }
  const std::span<const mail::Token> value(colon + 1, tokens.end());
  return AliasEntry{mail::quote_local(mail::internal_text(name)), mail::external_text(value), line.number};
}

template <class Source>
Result<Found> find_in(Source& source, std::string_view name) {
  const std::string quoted = quoted_alias(name);
  Found found = TRY(source.lookup(quoted));
  if (found || quoted == name) return found;
  return source.lookup(name);
}

}  // namespace

std::optional<AliasEntry> AliasSource::next() {
  while (const auto line = lines_.next()) {
    if (!check_source_line(*line, file_, utf8_)) continue;
    Result<AliasEntry> entry = parse_alias(*line);
    if (entry) return std::move(*entry);
    maillog::warning("{}, line {}: {}", file_, line->number, entry.error().message());
  }
  return std::nullopt;
}

std::string quoted_alias(std::string_view name) { return mail::quote_local(name); }

Result<Found> find_alias(const Maps& maps, std::string_view name) { return find_in(maps, name); }
Result<Found> find_alias(Table& table, std::string_view name) { return find_in(table, name); }

}  // namespace maps
