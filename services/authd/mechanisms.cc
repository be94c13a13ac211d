#include "services/authd/mechanisms.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace authd {
namespace {

using auth::Property;
using auth::ScramHash;

// Hidden from those who do not know what it is bound to.
constexpr Property bound = Property::channel_binding | Property::hidden;

// The properties are those that Dovecot's service announces.
constexpr MechanismRow rows[] = {
    {"PLAIN", Property::plaintext, Needs::check, std::nullopt},
    {"LOGIN", Property::plaintext, Needs::check, std::nullopt},
    {"CRAM-MD5", Property::dictionary | Property::active, Needs::plain, std::nullopt},
    {"DIGEST-MD5", Property::dictionary | Property::active | Property::mutual_auth, Needs::plain, std::nullopt},
    {"SCRAM-SHA-1", Property::mutual_auth, Needs::secret, ScramHash::sha1},
    {"SCRAM-SHA-256", Property::mutual_auth, Needs::secret, ScramHash::sha256},
    {"SCRAM-SHA-1-PLUS", Property::mutual_auth | bound, Needs::secret, ScramHash::sha1},
    {"SCRAM-SHA-256-PLUS", Property::mutual_auth | bound, Needs::secret, ScramHash::sha256},
    {"OAUTHBEARER", Property::none, Needs::token, std::nullopt},
    {"XOAUTH2", Property::none, Needs::token, std::nullopt},
    {"EXTERNAL", Property::none, std::nullopt, std::nullopt},
    {"ANONYMOUS", Property::anonymous, std::nullopt, std::nullopt},
};

}  // namespace

const MechanismRow* find_mechanism(std::string_view name) {
  const auto* const found = std::ranges::find_if(rows, [&](const MechanismRow& row) { return ascii::equal_ignoring_case(row.name, name); });
  return found == std::end(rows) ? nullptr : found;
}

Result<std::vector<const MechanismRow*>> parse_mechanisms(std::string_view value) {
  std::vector<const MechanismRow*> out;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) {
    const MechanismRow* const row = find_mechanism(word);
    if (row == nullptr) return base::fail(fmt::format("auth_mechanisms: \"{}\" is not there", word));
    if (std::ranges::find(out, row) == out.end()) out.push_back(row);
  }
  return out;
}

std::vector<const MechanismRow*> offered(const std::vector<const MechanismRow*>& wanted, const Passdb& passdb, bool takes_tokens) {
  std::vector<const MechanismRow*> out;
  for (const MechanismRow* row : wanted) {
    const bool is_served = !row->needs || (row->needs == Needs::token ? takes_tokens : passdb.serves(*row->needs));
    if (is_served) out.push_back(row);
  }
  return out;
}

}  // namespace authd
