#include "smtp/tls_report.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/deadline.h"
#include "lib/base/fd.h"
#include "lib/base/json_string.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

using base::json_string;

constexpr std::chrono::seconds lookup_patience{100};
constexpr std::string_view version = "v=TLSRPTv1";

struct FaultName {
  TlsFault fault;
  std::string_view name;
};

constexpr std::array fault_names{FaultName{TlsFault::starttls_not_supported, "starttls_not_supported"},
                                 FaultName{TlsFault::certificate_host_mismatch, "certificate_host_mismatch"},
                                 FaultName{TlsFault::certificate_not_trusted, "certificate_not_trusted"},
                                 FaultName{TlsFault::validation_failure, "validation_failure"},
                                 FaultName{TlsFault::sts_policy_fetch_error, "sts_policy_fetch_error"},
                                 FaultName{TlsFault::sts_policy_invalid, "sts_policy_invalid"},
                                 FaultName{TlsFault::sts_webpki_invalid, "sts_webpki_invalid"}};

std::string_view name_of(TlsFault fault) {
  return std::ranges::find(fault_names, fault, &FaultName::fault)->name;
}

// Of policy_failure=, which is written with "-".
TlsFault fault_of(std::string word) {
  std::ranges::replace(word, '-', '_');
  return std::ranges::find(fault_names, std::string_view(word), &FaultName::name)->fault;
}

// The policy types of RFC 8460 section 4.4, by the collector's numbers.
constexpr int type_tlsa = 1, type_sts = 2, type_not_found = 9;

std::string list(std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return {};
  std::vector<std::string> quoted;
  for (const std::string& item : items) quoted.push_back(json_string(item));
  return fmt::format(",\"{}\":[{}]", name, fmt::join(quoted, ","));
}

}  // namespace

std::optional<TlsReport> TlsReport::open(dns::Resolver& resolver, std::string socket, const std::string& domain) {
  const auto found = resolver.texts("_smtp._tls." + domain, base::after(lookup_patience));
  if (!found) return std::nullopt;
  std::vector<std::string> records;
  std::ranges::copy_if(found.records, std::back_inserter(records), [](const std::string& text) { return text.starts_with(version); });
  if (records.size() > 1) maillog::warning("TLSRPT support: Too many TLSRPT policies for {}", domain);
  if (records.size() != 1) return std::nullopt;
  TlsReport report;
  report.socket_ = std::move(socket);
  report.domain_ = domain;
  report.record_ = records.front();
  return report;
}

std::string TlsReport::datagram(const TlsPolicy& policy, const std::string& failure) const {
  int type = type_not_found;
  std::string of = domain_, strings;
  if (!policy.dane.empty()) {
    type = type_tlsa;
    of = policy.dane_name;
    std::vector<std::string> records;
    for (const tls::DaneRecord& record : policy.dane) records.push_back(record.text());
    strings = list("policy-string", records);
  } else if (policy.external.type == ExternalPolicy::Type::sts) {
    type = type_sts;
    of = policy.external.domain;
    strings = list("policy-string", policy.external.strings) + list("mx-host", policy.external.mx_patterns);
  }
  const int failed = failure.empty() ? 0 : 1;
  return fmt::format(R"({{"d": {},"pr": {},"policies":[{{"policy-type":{},"policy-domain": {}{}{},"t":{},"f":{}}}]}})", json_string(domain_), json_string(record_), type, json_string(of),
                     strings, failure, failed, failed);
}

void TlsReport::success(const Peer& peer, const TlsPolicy& policy) const {
  maillog::info("TLSRPT: status=success, domain={}, receiving_mx={}", domain_, peer.text());
  send(datagram(policy, {}));
}

void TlsReport::failure(const Peer& peer, const TlsPolicy& policy, TlsFault fault, const std::string& reason, const Ends& ends) const {
  maillog::info("TLSRPT: status=failure, domain={}, receiving_mx={}, failure_type={}{}{}", domain_, peer.text(), name_of(fault),
                reason.empty() ? "" : ", failure_reason=", reason);
  send(datagram(policy, fmt::format(R"(,"failure-details":[{{"c":{},"s": {},"n": {},"h": {},"r": {}{}}}])", static_cast<int>(fault), json_string(ends.source),
                                    json_string(peer.host), json_string(ends.ehlo), json_string(peer.address), reason.empty() ? "" : ",\"f\": " + json_string(reason))));
}

void TlsReport::failure(const Peer& peer, const TlsPolicy& policy, const tls::Facts& facts, const Ends& ends) const {
  if (!policy.external.failure.empty()) return failure(peer, policy, fault_of(policy.external.failure), {}, ends);
  if (!facts.verification_error.empty()) {
    std::string reason = facts.verification_error;
    std::ranges::replace(reason, ' ', '_');
    return failure(peer, policy, TlsFault::validation_failure, reason, ends);
  }
  failure(peer, policy, facts.match_error.ends_with("mismatch") ? TlsFault::certificate_host_mismatch : TlsFault::certificate_not_trusted, {}, ends);
}

void TlsReport::send(const std::string& datagram) const {
  const auto lost = [&](int code) {
    maillog::warning("Could not report TLS handshake result to {}: {}", socket_, std::strerror(code));
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path) return lost(ENAMETOOLONG);
  socket_.copy(address.sun_path, socket_.size());
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* const to = reinterpret_cast<const sockaddr*>(&address);
  if (!fd || ::sendto(fd.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL, to, sizeof address) < 0) lost(errno);
}

}  // namespace smtp
