#pragma once
// What a plugin of smtp_tls_policy_maps says of the policy that its answer comes from: MTA-STS (RFC 8461), or that the domain has none. For
// TLSRPT (RFC 8460), and so that the plugin's reading of a domain's policy is held to (smtp_tls_enforce_sts_mx_patterns).

#include <string>
#include <string_view>
#include <vector>

namespace smtp {

struct ExternalPolicy {
  enum class Type { none, sts, not_found } type = Type::none;   // none: the policy is our own
  std::string domain = {};                     // that has published it
  std::vector<std::string> strings = {};       // its lines, "version: STSv1"
  std::vector<std::string> mx_patterns = {};   // "mail.example.com", "*.example.net"
  std::string failure = {};                    // "sts-policy-invalid": no server is to be believed; empty: none
  bool operator==(const ExternalPolicy&) const = default;
};

// Whether the mail exchanger `host` is one that the patterns allow; "*." stands for one label (RFC 8461 section 4.1).
[[nodiscard]] bool allows_mx(const ExternalPolicy& policy, std::string_view host);

}  // namespace smtp
