#include "services/rewrite/canonical.h"

#include <algorithm>
#include <vector>

#include "lib/mail/address.h"
#include "lib/mail/tokens.h"

namespace rewrite {
namespace {

using Tokens = std::vector<mail::Token>;

auto is_sign(char sign) {
  return [sign](const mail::Token& token) { return token.is(sign); };
}

mail::Token sign(char c) { return {mail::Token::Kind::sign, std::string(1, c)}; }
mail::Token atom(std::string_view text) { return {mail::Token::Kind::atom, std::string(text)}; }

// "@a,@b:user@c" is user@c: routes are not followed.
void drop_source_route(Tokens& tokens) {
  if (tokens.empty() || !tokens.front().is('@')) return;
  const auto colon = std::ranges::find_if(tokens, is_sign(':'));
  if (colon != tokens.end()) tokens.erase(tokens.begin(), colon + 1);
}

// "site!user" is user@site. Whether there was a '!'.
bool swap_bangpath(Tokens& tokens) {
  const auto bang = std::ranges::find_if(tokens, is_sign('!'));
  if (bang == tokens.end()) return false;
  Tokens swapped(bang + 1, tokens.end());
  swapped.push_back(sign('@'));
  swapped.insert(swapped.end(), tokens.begin(), bang);
  tokens = std::move(swapped);
  return true;
}

// "user%domain" is user@domain. Whether there was a '%'.
bool replace_percent(Tokens& tokens) {
  const auto percent = std::find_if(tokens.rbegin(), tokens.rend(), is_sign('%'));
  if (percent == tokens.rend()) return false;
  *percent = sign('@');
  return true;
}

void complete_domain(Tokens& tokens, std::string_view domain) {
  const auto at = std::find_if(tokens.rbegin(), tokens.rend(), is_sign('@'));
  if (at == tokens.rend() || at == tokens.rbegin()) return;
  const bool is_complete = std::any_of(tokens.rbegin(), at, [](const mail::Token& token) {
    return token.is('.') || token.kind == mail::Token::Kind::literal;
  });
  if (is_complete) return;
  tokens.push_back(sign('.'));
  tokens.push_back(atom(domain));
}

// "example.com." is example.com. Anything stranger stays, to be refused later.
void drop_trailing_dot(Tokens& tokens) {
  if (tokens.size() < 2 || !tokens.back().is('.')) return;
  const mail::Token& before = tokens[tokens.size() - 2];
  if (!before.is('.') && !before.is('@')) tokens.pop_back();
}

}  // namespace

std::string canonical_form(std::string_view external, const CanonicalRules& rules) {
  Tokens tokens = mail::tokenize(external);
  drop_source_route(tokens);
  const bool is_empty = tokens.empty() || (tokens.size() == 1 && (tokens[0].is('@') || tokens[0].text.empty()));
  if (is_empty) return external.empty() ? std::string() : std::string("\"\"");
  if (std::ranges::none_of(tokens, is_sign('@'))) {
    const bool has_domain = (rules.swap_bangpath && swap_bangpath(tokens)) || (rules.percent_hack && replace_percent(tokens));
    if (!has_domain && !rules.origin.empty()) {
      tokens.push_back(sign('@'));
      tokens.push_back(atom(rules.origin));
      // The origin itself may want completion.
      if (!rules.origin.contains('.') && !rules.origin.starts_with('[') && !rules.domain.empty()) {
        tokens.push_back(sign('.'));
        tokens.push_back(atom(rules.domain));
      }
      return mail::to_external(mail::internal_text(tokens));
    }
  }
  if (!rules.domain.empty()) complete_domain(tokens, rules.domain);
  drop_trailing_dot(tokens);
  return mail::to_external(mail::internal_text(tokens));
}

}  // namespace rewrite
