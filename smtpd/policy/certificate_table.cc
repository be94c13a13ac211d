#include "smtpd/policy/certificate_table.h"

#include <optional>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/config/restriction_names.h"

namespace smtpd::policy {
namespace {

// What stands between the braces; none where there are none.
std::optional<std::string_view> unbraced(std::string_view text) {
  if (text.size() < 2 || !text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  return ascii::trim(text.substr(1, text.size() - 2));
}

Result<std::vector<CertificateKey>> parse_order(std::string_view value, std::string_view text) {
  std::vector<CertificateKey> order;
  for (const std::string_view word : config::list_items(value)) {
    if (ascii::equal_ignoring_case(word, "cert_fingerprint")) order.push_back(CertificateKey::certificate_fingerprint);
    else if (ascii::equal_ignoring_case(word, "pubkey_fingerprint")) order.push_back(CertificateKey::public_key_fingerprint);
    else return base::fail(fmt::format("unknown search type '{}' in '{}'", word, text));
  }
  return order;
}

}  // namespace

Result<CertificateTable> parse_certificate_table(std::string_view text) {
  const auto inner = unbraced(text);
  CertificateTable out{.table = text};
  if (!inner) return out;
  const auto items = config::list_items(*inner);
  if (items.empty() || !items.front().contains(':')) return base::fail(fmt::format("malformed map specification: '{}'", text));
  out.table = items.front();
  for (std::size_t i = 1; i < items.size(); ++i) {
    const std::string_view attribute = unbraced(items[i]).value_or(items[i]);
    const std::size_t equals = attribute.find('=');
    if (equals == std::string_view::npos) return base::fail(fmt::format("malformed map attribute in '{}': missing '=' after attribute name", text));
    const std::string_view name = ascii::trim(attribute.substr(0, equals));
    if (!ascii::equal_ignoring_case(name, "search_order")) return base::fail(fmt::format("unknown map attribute in '{}': '{}'", text, name));
    out.order = TRY(parse_order(attribute.substr(equals + 1), text));
  }
  return out;
}

}  // namespace smtpd::policy
