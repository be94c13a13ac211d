#pragma once
// Trust anchors of a site's own (smtp_tls_trust_anchor_file): files of certificates and public keys in PEM. One of them must vouch for the
// server, or be the server's own; nothing else counts, not even the anchor's age (RFC 7672 has the mechanism).

#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/tls/settings.h"

namespace tls {

// As TLSA records, for ServerDemands::dane. Not empty: a file that has neither certificate nor public key is an error.
[[nodiscard]] Result<std::vector<DaneRecord>> read_trust_anchors(const std::vector<std::string>& files);

}  // namespace tls
