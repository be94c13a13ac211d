#include "smtpd/policy/policy.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/probe_sender.h"

namespace smtpd::policy {
namespace {

// For one question to the DNS: a client waits for it.
constexpr std::chrono::seconds dns_time_limit{30};

}  // namespace

const Restrictions& Policy::list(Stage stage) const {
  switch (stage) {
    case Stage::client: return lists_.client;
    case Stage::helo: return lists_.helo;
    case Stage::sender: return lists_.sender;
    case Stage::relay: return lists_.relay;
    case Stage::recipient: return lists_.recipient;
    case Stage::data: return lists_.data;
    case Stage::end_of_data: return lists_.end_of_data;
    case Stage::etrn: break;
  }
  return lists_.etrn;
}

Result<ipc::AddressAnswer> Policy::resolve(std::string_view sender, std::string_view recipient) {
  const std::string_view domain = mail::split(recipient).domain;
  if (domain.contains('.') || domain.starts_with('[')) return addresses_.resolve(sender, recipient);
  const std::string complete = mail::to_internal(TRY(addresses_.rewrite("local", mail::to_external(recipient))));
  return addresses_.resolve(sender, complete);
}

Restrictions Policy::parse(std::string_view value) const {
  return Restrictions::parse(value, {.tables = nullptr, .classes = &lists_.class_names});
}

// A list of its own, or one of several that are asked together. Only permits are remembered over lists.
Verdict Policy::asked(Stage stage, const Subject& subject, Asker& asker, Doubts& doubts) {
  doubts.if_reject.reset();
  return Asking(*this, stage, subject, asker, doubts).ask(list(stage), about(stage, subject));
}

Verdict Policy::ask(Stage stage, const Subject& subject, Asker& asker) {
  Doubts doubts;
  if (stage == Stage::helo) doubts.if_permit = client_doubt_;
  Verdict verdict = asked(stage, subject, asker, doubts);
  switch (stage) {
    case Stage::client:
      client_doubt_ = helo_doubt_ = std::move(doubts.if_permit);
      return verdict;
    case Stage::helo: helo_doubt_ = std::move(doubts.if_permit); return verdict;
    case Stage::sender:
    case Stage::relay:
    case Stage::recipient:
    case Stage::data:
    case Stage::end_of_data:
    case Stage::etrn: break;
  }
  if (!verdict.refuses() && doubts.if_permit) return Verdict::refuse(std::move(*doubts.if_permit));
  return verdict;
}

// What smtpd_delay_reject puts off until the recipient is known, so that the log shows whom it hits.
Verdict Policy::delayed(const Subject& subject, Asker& asker, Doubts& doubts) {
  if (!params_.smtpd_delay_reject) return Verdict::dunno();
  for (const Stage stage : {Stage::client, Stage::helo, Stage::sender}) {
    // Without a HELO there is nothing to ask its list about.
    if (stage == Stage::helo && subject.helo.empty()) continue;
    if (Verdict verdict = asked(stage, subject, asker, doubts); verdict.refuses()) return verdict;
  }
  return unlisted_sender(subject, asker, doubts);
}

Verdict Policy::unlisted_sender(const Subject& subject, Asker& asker, Doubts& doubts) {
  if (!params_.smtpd_reject_unlisted_sender) return Verdict::dunno();
  return Asking(*this, Stage::sender, subject, asker, doubts).ask(&reject_unlisted_sender);
}

Verdict Policy::sender(const Subject& subject, Asker& asker) {
  if (params_.smtpd_delay_reject) return Verdict::dunno();
  Doubts doubts{.if_permit = helo_doubt_, .if_reject = {}};
  Verdict verdict = asked(Stage::sender, subject, asker, doubts);
  if (!verdict.refuses()) verdict = unlisted_sender(subject, asker, doubts);
  sender_doubt_ = std::move(doubts.if_permit);
  return verdict;
}

bool Policy::is_probe_sender(std::string_view address) {
  const std::string_view configured = params_.address_verify_sender;
  const std::string_view local = configured.substr(0, configured.rfind('@'));
  // Most recipients need no look at the rest.
  if (local.empty() || local == "<>" || !ascii::starts_with_ignoring_case(address, local)) return false;
  const std::chrono::seconds lifetime = params_.address_verify_sender_ttl;
  const Stamp now = base::system_clock().stamp();
  // A probe of the period before may be under way.
  for (const Stamp when : {now, now - lifetime}) {
    const auto sender = addresses_.rewrite("local", mail::probe_sender(configured, lifetime, when));
    if (!sender) {
      maillog::warning("{}", sender.error().message());
      return false;
    }
    const std::string internal = mail::to_internal(*sender);
    if (lifetime.count() > 0 ? internal == address : ascii::equal_ignoring_case(internal, address)) return true;
  }
  return false;
}

Verdict Policy::recipient(const Subject& subject, Asker& asker) {
  if (is_probe_sender(subject.recipient)) return Verdict::dunno();
  Doubts doubts;
  if (!params_.smtpd_delay_reject) doubts.if_permit = sender_doubt_;
  if (Verdict verdict = delayed(subject, asker, doubts); verdict.refuses()) return verdict;
  doubts.if_reject.reset();
  const bool relay_first = params_.smtpd_relay_before_recipient_restrictions;
  for (const Stage stage : {relay_first ? Stage::relay : Stage::recipient, relay_first ? Stage::recipient : Stage::relay}) {
    Verdict verdict = Asking(*this, stage, subject, asker, doubts).ask(list(stage), about(stage, subject));
    if (verdict.refuses()) return verdict;
  }
  if (doubts.if_permit) return Verdict::refuse(std::move(*doubts.if_permit));
  if (!params_.smtpd_reject_unlisted_recipient || !lists_.checks_recipients || subject.is_discarded()) return Verdict::dunno();
  return Asking(*this, Stage::recipient, subject, asker, doubts).ask(&reject_unlisted_recipient);
}

Verdict Policy::etrn(const Subject& subject, Asker& asker) {
  Doubts doubts;
  if (params_.smtpd_delay_reject) {
    for (const Stage stage : {Stage::client, Stage::helo}) {
      if (stage == Stage::helo && subject.helo.empty()) continue;
      if (Verdict verdict = asked(stage, subject, asker, doubts); verdict.refuses()) return verdict;
    }
  } else {
    doubts.if_permit = helo_doubt_;
  }
  Verdict verdict = asked(Stage::etrn, subject, asker, doubts);
  if (!verdict.refuses() && doubts.if_permit) return Verdict::refuse(std::move(*doubts.if_permit));
  return verdict;
}

Result<ipc::VerifyAnswer> Policy::verify(std::string_view address) {
  return services_.ask_at<ipc::AskVerify>("private/" + params_.address_verify_service_name,
                                          {.command = ipc::VerifyCommand::query, .address = std::string(address)});
}

Result<maps::Found> Policy::find_address(const maps::Maps& maps, std::string_view address, bool is_local) const {
  const maps::AddressSearch search{
      .delimiters = {params_.recipient_delimiter, params_.owner_request_special},
      .is_local_domain = [](const void* local, std::string_view) { return *static_cast<const bool*>(local); },
      .context = &is_local,
      .with_at_domain = true,
  };
  return maps::find_address(maps, address, search, nullptr);
}

Verdict Policy::lookup_failed(const Question& question, const base::Error& error) const {
  maillog::warning("{}", error.message());
  return Verdict::insist(temporary_failure(question));
}

Reply Policy::temporary_failure(const Question& question) const {
  const Subject& subject = question.subject;
  const std::string_view about = subject.recipient.empty() ? std::string_view(subject.client.name_and_address) : subject.recipient;
  return {451, fmt::format("4.3.0 <{}>: Temporary lookup failure", about)};
}

dns::Answer<dns::Mx> Policy::mail_servers(std::string_view name) const {
  return tables_.resolver->mx(name, base::after(dns_time_limit));
}
dns::Answer<std::string> Policy::name_servers(std::string_view name) const {
  return tables_.resolver->name_servers(name, base::after(dns_time_limit));
}
dns::Answer<io::Address> Policy::addresses(std::string_view name) const {
  return tables_.resolver->addresses(name, dns::Families::both, base::after(dns_time_limit));
}
dns::Answer<io::Address> Policy::host_addresses(std::string_view name) const {
  return tables_.resolver->host_addresses(name, dns::families_of(params_.inet_protocols), base::after(dns_time_limit));
}
dns::Answer<io::Address> Policy::list_addresses(std::string_view name) const {
  return tables_.resolver->addresses(name, dns::Families::ipv4, base::after(dns_time_limit));
}
dns::Answer<std::string> Policy::texts(std::string_view name) const {
  return tables_.resolver->texts(name, base::after(dns_time_limit));
}

}  // namespace smtpd::policy
