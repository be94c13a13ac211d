// Restrictions that look the client, or a name, up in DNS lists: of whom to refuse, and of whom to let in.

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/config/expand.h"
#include "lib/dns/dns_list.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/macros.h"
#include "smtpd/policy/asking.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

constexpr std::size_t reason_limit = 500;   // bytes of the list's own words

enum class Listed { yes, no, unsure };

class Listing {
 public:
  // What is looked up: in the log "Client host [192.0.2.1]".
  struct Key {
    std::string name;      // before the list's domain
    std::string what, kind;
  };

  Listing(const Question& question, Key key) : question_(question), key_(std::move(key)) {}

  // Reads what stands behind the restriction's name.
  Result<void> prepare() {
    list_ = TRY(dns::DnsList::parse(question_.item.argument));
    name_ = key_.name + "." + list_.domain;
    return {};
  }

  Listed look_up() {
    const auto answer = question_.policy.list_addresses(name_);
    switch (answer.status) {
      case dns::Status::found: break;
      case dns::Status::no_domain:
      case dns::Status::no_data: return Listed::no;
      case dns::Status::null_mx:
      case dns::Status::invalid:
      case dns::Status::garbled:
      case dns::Status::temporary:
      case dns::Status::filtered:
      case dns::Status::unfiltered:
        maillog::warning("{}: RBL lookup error: Host or domain name not found. Name service error for name={} type=A: {}", name_, name_, answer.reason);
        return Listed::unsure;
    }
    const bool counts = !list_.pattern || std::ranges::any_of(answer.records, [&](const io::Address& a) { return list_.pattern->matches(a); });
    return counts ? Listed::yes : Listed::no;
  }

  // "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example.com; its words".
  Reply refusal() {
    const Params& params = question_.policy.params();
    std::string pattern = params.default_rbl_reply;
    const auto found = question_.policy.tables().rbl_replies.lookup(list_.domain);
    if (!found) maillog::warning("rbl_reply_maps: {}", found.error().message());
    else if (*found) pattern = **found;
    const std::string reason = reason_text();
    const auto lookup = [&](std::string_view name) -> Result<std::optional<std::string>> { return value_of(name, reason); };
    const auto text = config::expand(pattern, lookup, config::Values::verbatim);
    if (!text) {
      maillog::warning("bad rbl reply template: {}: {}", pattern, text.error().message());
      return {451, "4.3.5 Server configuration error"};
    }
    const bool has_code = text->size() > 3 && (text->front() == '4' || text->front() == '5') && ascii::is_digit((*text)[1]) && ascii::is_digit((*text)[2]) && (*text)[3] == ' ';
    if (has_code) return Reply::from_text(*text, params.maps_rbl_reject_code, mail::Dsn(5, 7, 1));
    maillog::warning("rbl response code configuration error: {}", *text);
    return {450, "4.7.1 Service unavailable"};
  }

 private:
  // The list's own words; empty where it has none.
  std::string reason_text() {
    const auto texts = question_.policy.texts(name_);
    std::string reason;
    for (const std::string& text : texts.records) reason += (reason.empty() ? "" : " / ") + text;
    std::ranges::replace_if(reason, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    return reason.substr(0, reason_limit);
  }

  std::optional<std::string> value_of(std::string_view name, const std::string& reason) const {
    if (name == "rbl_code") return std::to_string(question_.policy.params().maps_rbl_reject_code);
    if (name == "rbl_class") return key_.kind;
    if (name == "rbl_what") return key_.what;
    if (name == "rbl_domain") return list_.domain;
    if (name == "rbl_reason" || name == "rbl_txt") return reason;
    const Subject& subject = question_.subject;
    auto value = macro_value(name, {.client = subject.client,
                                    .helo = subject.helo,
                                    .sender = subject.has_sender ? std::optional(subject.sender) : std::nullopt,
                                    .recipient = subject.recipient,
                                    .server_name = question_.policy.params().myhostname});
    if (!value) maillog::warning("unknown macro name \"{}\" in expansion request", name);
    return value;
  }

  const Question& question_;
  Key key_;
  dns::DnsList list_;
  std::string name_;
};

bool has_list(const Question& question) {
  if (!question.item.argument.empty()) return true;
  maillog::warning("restriction {} requires domain name argument", question.item.row->name);
  return false;
}

Verdict misconfigured(const base::Error& error) {
  maillog::warning("RBL reply error: {}", error.message());
  return Verdict::insist(server_configuration_error());
}

// What cannot be looked up is not refused for it.
Verdict reject_listed(const Question& question, Listing::Key key) {
  Listing listing(question, std::move(key));
  if (auto ready = listing.prepare(); !ready) return misconfigured(ready.error());
  return listing.look_up() == Listed::yes ? Verdict::refuse(listing.refusal()) : Verdict::dunno();
}

// Not where it would make us a relay for strangers.
Verdict permit_listed(const Question& question, Listing::Key key) {
  if (!question.subject.recipient.empty() && !permit_auth_destination(question).permits()) return Verdict::dunno();
  Question about = about_client(question);
  const std::string name = key.what;
  about.about.name = name;
  Listing listing(question, std::move(key));
  if (auto ready = listing.prepare(); !ready) return misconfigured(ready.error());
  switch (listing.look_up()) {
    case Listed::yes: return Verdict::permit();
    case Listed::no: return Verdict::dunno();
    case Listed::unsure: break;
  }
  return question.asking.unsure_of_permit(refusal(about, 450, "4.7.1", "Service unavailable"));
}

std::optional<Listing::Key> client_address(const Question& question) {
  const Client& client = question.subject.client;
  if (!has_list(question) || !client.is_ip) return std::nullopt;
  return Listing::Key{dns::reversed(client.ip), client.address, "Client host"};
}

// A name that can be looked up: no address, no name that nobody knows.
std::optional<Listing::Key> host(const Question& question, std::string_view name, std::string_view what, std::string kind) {
  if (!has_list(question)) return std::nullopt;
  if (name.empty() || name == Client::unknown || name.starts_with('[') || io::Address::parse(name)) return std::nullopt;
  return Listing::Key{std::string(name), std::string(what), std::move(kind)};
}

Verdict reject_host(const Question& question, std::string_view name, std::string_view what, std::string kind) {
  auto key = host(question, name, what, std::move(kind));
  return key ? reject_listed(question, std::move(*key)) : Verdict::dunno();
}

}  // namespace

Verdict reject_rbl_client(const Question& question) {
  auto key = client_address(question);
  return key ? reject_listed(question, std::move(*key)) : Verdict::dunno();
}

Verdict permit_dnswl_client(const Question& question) {
  auto key = client_address(question);
  return key ? permit_listed(question, std::move(*key)) : Verdict::dunno();
}

Verdict permit_rhswl_client(const Question& question) {
  const std::string& name = question.subject.client.name;
  auto key = host(question, name, name, "Client host");
  return key ? permit_listed(question, std::move(*key)) : Verdict::dunno();
}

Verdict reject_rhsbl_client(const Question& question) {
  const std::string& name = question.subject.client.name;
  return reject_host(question, name, name, "Client host");
}

Verdict reject_rhsbl_reverse_client(const Question& question) {
  const std::string& name = question.subject.client.reverse_name;
  return reject_host(question, name, name, "Unverified Client host");
}

Verdict reject_rhsbl_helo(const Question& question) {
  return reject_host(question, question.subject.helo, question.subject.helo, "Helo command");
}

Verdict reject_rhsbl_sender(const Question& question) {
  const std::string_view sender = question.subject.sender;
  return reject_host(question, mail::split(sender).domain, sender, "Sender address");
}

Verdict reject_rhsbl_recipient(const Question& question) {
  const std::string_view recipient = question.subject.recipient;
  return reject_host(question, mail::split(recipient).domain, recipient, "Recipient address");
}

}  // namespace smtpd::policy
