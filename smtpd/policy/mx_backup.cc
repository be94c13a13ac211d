// permit_mx_backup: mail for whom this host is a mail server behind others.

#include <algorithm>

#include <fmt/format.h>

#include "lib/mail/address.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

struct Server {
  int preference;
  std::vector<io::Address> addresses;
};

class MxBackup {
 public:
  explicit MxBackup(const Question& question) : question_(about_recipient(question)) {}

  Verdict ask() {
    Policy& policy = question_.policy;
    const std::string_view domain = mail::split(question_.subject.recipient).domain;
    if (domain.empty() || domain.starts_with('[')) return Verdict::dunno();
    const auto found = policy.mail_servers(domain);
    if (!found) {
      const bool may_come = found.status == dns::Status::temporary || found.status == dns::Status::garbled;
      return may_come ? unable(fmt::format("information: {}", found.reason)) : Verdict::dunno();
    }
    std::vector<Server> servers;
    for (const dns::Mx& mx : found.records) {
      const auto addresses = policy.host_addresses(mx.host);
      if (!addresses) return unable(fmt::format("host {}: {}", mx.host, addresses.reason));
      servers.push_back({mx.preference, addresses.records});
    }
    return is_backup(servers) ? Verdict::permit() : Verdict::dunno();
  }

 private:
  Verdict unable(std::string_view what) const {
    return Verdict::refuse(refusal(question_, 450, "4.4.4", fmt::format("Unable to look up mail exchanger {}", what)));
  }

  [[nodiscard]] bool is_me(const Server& server) const {
    const Tables& tables = question_.policy.tables();
    return std::ranges::any_of(server.addresses, [&](const io::Address& address) {
      return std::ranges::find(tables.reachable_addresses, address) != tables.reachable_addresses.end();
    });
  }

  // One of them is this host, none of the best ones is, and the best ones are where the site says.
  [[nodiscard]] bool is_backup(const std::vector<Server>& servers) const {
    if (std::ranges::none_of(servers, [&](const Server& server) { return is_me(server); })) return false;
    const int best = std::ranges::min(servers, {}, &Server::preference).preference;
    const maps::MatchList& networks = question_.policy.tables().mx_backup_networks;
    return std::ranges::all_of(servers, [&](const Server& server) {
      if (server.preference != best) return true;
      if (is_me(server)) return false;
      return networks.empty() || std::ranges::all_of(server.addresses, [&](const io::Address& address) {
               return networks.matches(address.text()).value_or(false);
             });
    });
  }

  const Question question_;
};

}  // namespace

Verdict permit_mx_backup(const Question& question) {
  if (question.subject.recipient.empty()) return Verdict::dunno();
  Verdict verdict = permit_auth_destination(question);
  return verdict.is_dunno() ? MxBackup(question).ask() : verdict;
}

}  // namespace smtpd::policy
