#include "lib/mail/mapped_addresses.h"

#include "lib/mail/address.h"
#include "lib/mail/header_addresses.h"

namespace mail {
namespace {

// "user@domain" with "+ext" is "user+ext@domain".
std::string with_extension(std::string_view internal, std::string_view extension) {
  const AddressParts parts = split(internal);
  std::string out(parts.local);
  if (!parts.local.ends_with(extension)) out += extension;
  if (parts.has_domain) out.append("@").append(parts.domain);
  return out;
}

}  // namespace

Result<std::vector<std::string>> mapped_addresses(std::string_view text, std::string_view asked, std::string_view extension,
                                                  std::size_t token_limit, const CompleteAddress& complete) {
  const auto parsed = HeaderAddresses::parse(text, token_limit);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    const std::string& external = parsed[i];
    const bool is_domain = external.starts_with("\"\"@") || external.starts_with('@');
    if (is_domain) {
      const std::string there = std::string(split(asked).local) + external.substr(external.find('@'));
      out.push_back(to_internal(TRY(complete(to_external(there)))));
    } else {
      out.push_back(with_extension(to_internal(TRY(complete(external))), extension));
    }
  }
  return out;
}

}  // namespace mail
