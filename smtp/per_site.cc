#include "smtp/per_site.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

struct Word {
  std::string_view word;
  TlsLevel level;
};

constexpr std::array vocabulary{Word{"NONE", TlsLevel::none}, Word{"MAY", TlsLevel::may}, Word{"MUST_NOPEERMATCH", TlsLevel::encrypt},
                                Word{"MUST", TlsLevel::verify}};

// What is definite overrules MAY, and what is safer overrules the rest.
int weight(TlsLevel level) {
  switch (level) {
    case TlsLevel::may: return 0;
    case TlsLevel::none: return 1;
    default: return 1 + static_cast<int>(level);
  }
}

}  // namespace

std::expected<std::optional<TlsLevel>, PerSite::Fault> PerSite::find(const std::string& key, std::string_view kind) const {
  const auto found = table_.lookup(key);
  if (!found) {
    maillog::warning("{}", found.error().message());
    maillog::warning("{}_tls_per_site: {} \"{}\": per-site table lookup error", prefix_, kind, key);
    return std::unexpected(Fault::unreadable);
  }
  if (!*found) return std::nullopt;
  const auto word = std::ranges::find_if(vocabulary, [&](const Word& each) { return ascii::equal_ignoring_case(each.word, **found); });
  if (word != vocabulary.end()) return word->level;
  maillog::warning("{}_tls_per_site: unknown TLS policy '{}' for {} {}", prefix_, **found, kind, key);
  return std::unexpected(Fault::wrong);
}

std::expected<TlsLevel, PerSite::Fault> PerSite::level(const Destination& destination, std::string_view host, TlsLevel general) const {
  const auto of_hop = find(destination.text, "next-hop destination");
  if (!of_hop) return std::unexpected(of_hop.error());
  const auto of_host = find(std::string(host), "server hostname");
  if (!of_host) return std::unexpected(of_host.error());
  std::optional<TlsLevel> level = *of_hop;
  if (*of_host && (!level || weight(**of_host) > weight(*level))) level = *of_host;
  if (!level || (*level == TlsLevel::may && general > TlsLevel::may)) return general;
  return *level;
}

}  // namespace smtp
