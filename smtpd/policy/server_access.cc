// check_sender_mx_access and its like: what a table says of the hosts that serve a name: its own addresses, its mail servers,
// its name servers. An OK is not theirs to give: whoever owns a name points it where he likes.

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/policy/access_table.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

enum class Servers { a, mx, ns };

std::string_view name_of(Servers kind) {
  switch (kind) {
    case Servers::a: return "A";
    case Servers::mx: return "MX";
    case Servers::ns: return "NS";
  }
  return "";
}

// The address that a name is, with brackets ("[IPv6:2001:db8::1]") or without.
std::optional<io::Address> address_in(std::string_view name) {
  if (name.starts_with('[')) {
    if (!name.ends_with(']')) return std::nullopt;
    name = name.substr(1, name.size() - 2);
    constexpr std::string_view v6 = "IPv6:";
    if (name.size() > v6.size() && ascii::equal_ignoring_case(name.substr(0, v6.size()), v6)) name.remove_prefix(v6.size());
  }
  auto address = io::Address::parse(name);
  return address ? std::optional(*address) : std::nullopt;
}

class ServerAccess {
 public:
  ServerAccess(const Question& question, Servers kind) : question_(question), kind_(kind), table_(question) {}

  Verdict ask(std::string_view domain) {
    auto verdict = ask_all(domain);
    if (!verdict) return Verdict::dunno();
    if (!verdict->permits() || question_.subject.is_discarded()) return std::move(*verdict);
    maillog::warning("restriction {} returns OK for {}", question_.item.row->name, question_.about.name);
    maillog::warning("this is not allowed for security reasons");
    maillog::warning("use DUNNO instead of OK if you want to make an exception");
    return Verdict::insist(server_configuration_error());
  }

 private:
  std::optional<Verdict> ask_all(std::string_view domain) {
    if (const auto address = address_in(domain)) {
      if (kind_ != Servers::ns) return table_.address(address->text());
      if (domain.starts_with('[')) return std::nullopt;
    } else if (domain.starts_with('[')) {
      return std::nullopt;
    }
    for (const std::string& host : hosts(domain)) {
      if (kind_ != Servers::a) {
        if (auto verdict = table_.host(host)) return verdict;
      }
      if (auto verdict = ask_addresses(host)) return verdict;
    }
    return std::nullopt;
  }

  std::optional<Verdict> ask_addresses(const std::string& host) {
    if (const auto address = address_in(host)) return table_.address(address->text());
    const auto addresses = question_.policy.host_addresses(host);
    if (!addresses && kind_ != Servers::a) {
      maillog::warning("Unable to look up {} host {} for {} {}: {}", name_of(kind_), host, question_.about.what, question_.about.name,
                       addresses.reason);
    }
    for (const io::Address& address : addresses.records) {
      if (auto verdict = table_.address(address.text())) return verdict;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::vector<std::string> hosts(std::string_view domain) const {
    switch (kind_) {
      case Servers::a: return {std::string(domain)};
      case Servers::mx: return mail_servers(domain);
      case Servers::ns: break;
    }
    return name_servers(domain);
  }

  [[nodiscard]] std::vector<std::string> mail_servers(std::string_view domain) const {
    const auto found = question_.policy.mail_servers(domain);
    std::vector<std::string> hosts;
    for (const dns::Mx& mx : found.records) hosts.push_back(mx.host);
    switch (found.status) {
      case dns::Status::no_domain:
      case dns::Status::no_data: return {std::string(domain)};
      case dns::Status::found:
      case dns::Status::null_mx: break;
      case dns::Status::invalid:
      case dns::Status::garbled:
      case dns::Status::temporary:
      case dns::Status::filtered:
      case dns::Status::unfiltered: unable(domain, found.reason); break;
    }
    return hosts;
  }

  // Of the name, or of the zone that it is in.
  [[nodiscard]] std::vector<std::string> name_servers(std::string_view domain) const {
    for (std::string_view zone = domain;;) {
      const auto found = question_.policy.name_servers(zone);
      if (found) return found.records;
      const bool is_absent = found.status == dns::Status::no_domain || found.status == dns::Status::no_data;
      const std::size_t dot = zone.find('.');
      if (is_absent && dot != std::string_view::npos) {
        zone.remove_prefix(dot + 1);
        continue;
      }
      unable(is_absent ? question_.about.name : zone, found.status == dns::Status::invalid ? "Host not found" : found.reason);
      return {};
    }
  }

  void unable(std::string_view name, std::string_view reason) const {
    maillog::warning("Unable to look up {} host for {}: {}", name_of(kind_), name, reason);
  }

  const Question& question_;
  Servers kind_;
  AccessTable table_;
};

Verdict of_name(const Question& question, Servers kind, std::string_view name) {
  return name.empty() || name == Client::unknown ? Verdict::dunno() : ServerAccess(question, kind).ask(name);
}

Verdict of_client(const Question& question, Servers kind) {
  const std::string& name = question.subject.client.name;
  return of_name(with(question, {name, about_client(question).about.what}), kind, name);
}

Verdict of_reverse_client(const Question& question, Servers kind) {
  const Client& client = question.subject.client;
  return of_name(with(question, {client.reverse_name, "Unverified Client host"}), kind, client.reverse_name);
}

Verdict of_helo(const Question& question, Servers kind) { return of_name(about_helo(question), kind, question.subject.helo); }

Verdict of_mail(const Question& question, Servers kind) {
  const std::string_view address = question.about.name;
  const mail::AddressParts parts = mail::split(address);
  return of_name(question, kind, parts.has_domain ? parts.domain : address);
}
Verdict of_sender(const Question& question, Servers kind) { return of_mail(about_sender(question), kind); }
Verdict of_recipient(const Question& question, Servers kind) { return of_mail(about_recipient(question), kind); }

}  // namespace

Verdict check_client_a_access(const Question& question) { return of_client(question, Servers::a); }
Verdict check_client_mx_access(const Question& question) { return of_client(question, Servers::mx); }
Verdict check_client_ns_access(const Question& question) { return of_client(question, Servers::ns); }
Verdict check_reverse_client_hostname_a_access(const Question& question) { return of_reverse_client(question, Servers::a); }
Verdict check_reverse_client_hostname_mx_access(const Question& question) { return of_reverse_client(question, Servers::mx); }
Verdict check_reverse_client_hostname_ns_access(const Question& question) { return of_reverse_client(question, Servers::ns); }
Verdict check_helo_a_access(const Question& question) { return of_helo(question, Servers::a); }
Verdict check_helo_mx_access(const Question& question) { return of_helo(question, Servers::mx); }
Verdict check_helo_ns_access(const Question& question) { return of_helo(question, Servers::ns); }
Verdict check_sender_a_access(const Question& question) { return of_sender(question, Servers::a); }
Verdict check_sender_mx_access(const Question& question) { return of_sender(question, Servers::mx); }
Verdict check_sender_ns_access(const Question& question) { return of_sender(question, Servers::ns); }
Verdict check_recipient_a_access(const Question& question) { return of_recipient(question, Servers::a); }
Verdict check_recipient_mx_access(const Question& question) { return of_recipient(question, Servers::mx); }
Verdict check_recipient_ns_access(const Question& question) { return of_recipient(question, Servers::ns); }

}  // namespace smtpd::policy
