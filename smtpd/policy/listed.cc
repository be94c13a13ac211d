// Does the recipient exist, or the sender? Asked of the tables of the class of his domain.

#include <optional>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/policy/address_status.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

// The names that every mail system has (RFC 5321 section 4.5.1), whatever the tables of its local users say.
constexpr std::string_view required_names[] = {"mailer-daemon", "postmaster", "double-bounce"};

// The tables of one address class, what an unknown user there is told, and with which code.
struct ClassTables {
  const maps::Maps& maps;
  std::string_view table_name;
  int code;
  bool lists_everybody;   // no table: every user is taken to exist
};

ClassTables tables_of(ipc::AddressClass address_class, const Tables& tables, const Params& params) {
  switch (address_class) {
    case ipc::AddressClass::local:
      return {tables.local_recipients, "local recipient table", params.unknown_local_recipient_reject_code,
              tables.local_recipients.empty()};
    case ipc::AddressClass::virtual_alias:
      return {tables.virtual_aliases, "virtual alias table", params.unknown_virtual_alias_reject_code, false};
    case ipc::AddressClass::virtual_mailbox:
      return {tables.virtual_mailboxes, "virtual mailbox table", params.unknown_virtual_mailbox_reject_code,
              tables.virtual_mailboxes.empty()};
    case ipc::AddressClass::relay:
      return {tables.relay_recipients, "relay recipient table", params.unknown_relay_recipient_reject_code,
              tables.relay_recipients.empty()};
    case ipc::AddressClass::other: break;
  }
  return {tables.relay_recipients, "", 0, true};
}

bool is_required_name(std::string_view local) {
  for (const std::string_view name : required_names) {
    if (ascii::equal_ignoring_case(local, name)) return true;
  }
  return local.empty();  // "@domain" means its postmaster
}

mail::Dsn status_of_address(AddressEnd end, const mail::Dsn& given) {
  const bool is_sender = end == AddressEnd::sender;
  const mail::Dsn said = status_for(end, given);
  if (said != given) {
    maillog::info("mapping DSN status {} into {} address status {}", given.text(), is_sender ? "Sender" : "Recipient", said.text());
  }
  return said;
}

// A transport that ends in refusal says so here already, in its own words. That of virtual alias domains is only there for
// mail that came past this check.
std::optional<Verdict> refusing_transport(const Question& question, const ipc::AddressAnswer& answer, AddressEnd end,
                                          std::string_view permanent_dsn) {
  const bool is_retry = answer.transport == "retry";
  const bool is_error = answer.transport == question.policy.params().error_service_name && answer.address_class != ipc::AddressClass::virtual_alias;
  if (!is_retry && !is_error && answer.status != ipc::ResolveStatus::error) return std::nullopt;
  std::string_view text = ascii::trim(answer.nexthop);
  mail::Dsn dsn = mail::Dsn::parse(permanent_dsn).value_or(mail::Dsn(5, 1, 1)).with_class(is_retry ? 4 : 5);
  if (const auto given = mail::Dsn::parse_prefix(text); given && !given->is_success()) {
    dsn = status_of_address(end, *given).with_class(dsn.cls());
  }
  return Verdict::refuse(refusal(question, is_retry ? 450 : 550, dsn.text(), ascii::trim(text)));
}

// The same question for either end of the message; the address is what the question is about.
Verdict unlisted(const Question& question, AddressEnd end, std::string_view permanent_dsn) {
  Policy& policy = question.policy;
  const auto answer = policy.resolve(question.subject.sender, question.about.name);
  if (!answer) return policy.lookup_failed(question, answer.error());
  if (answer->status == ipc::ResolveStatus::fail) return Verdict::insist(policy.temporary_failure(question));

  const Tables& tables = policy.tables();
  const bool is_local = answer->address_class == ipc::AddressClass::local;
  const auto lists = [&](const maps::Maps& maps) -> Result<bool> {
    if (maps.empty()) return false;
    return TRY(policy.find_address(maps, answer->address, is_local)).has_value();
  };
  // An address that cleanup changes is not bound by where it would go itself.
  if (policy.recently_listed().contains(answer->address)) return Verdict::dunno();
  // A sender may be one of ours under any name; a recipient is never changed as a sender is.
  const maps::Maps nothing;
  const maps::Maps& of_senders = end == AddressEnd::sender ? tables.sender_canonical : nothing;
  for (const maps::Maps* changing : {&of_senders, &tables.recipient_canonical, &tables.canonical, &tables.virtual_aliases}) {
    const auto is_changed = lists(*changing);
    if (!is_changed) return policy.lookup_failed(question, is_changed.error());
    if (!*is_changed) continue;
    policy.recently_listed().add(answer->address);
    return Verdict::dunno();
  }
  if (auto refused = refusing_transport(question, *answer, end, permanent_dsn)) return std::move(*refused);

  const ClassTables of_class = tables_of(answer->address_class, tables, policy.params());
  if (of_class.lists_everybody || (is_local && is_required_name(mail::split(answer->address).local))) return Verdict::dunno();
  const auto is_listed = lists(of_class.maps);
  if (!is_listed) return policy.lookup_failed(question, is_listed.error());
  if (*is_listed) {
    policy.recently_listed().add(answer->address);
    return Verdict::dunno();
  }
  const std::string text = policy.params().show_user_unknown_table_name
                               ? fmt::format("User unknown in {}", of_class.table_name)
                               : std::string("User unknown");
  return Verdict::refuse(refusal(question, of_class.code, permanent_dsn, text));
}

}  // namespace

Verdict reject_unlisted_recipient(const Question& question) {
  if (question.subject.recipient.empty()) return Verdict::dunno();
  return unlisted(about_recipient(question), AddressEnd::recipient, "5.1.1");
}

Verdict reject_unlisted_sender(const Question& question) {
  if (question.subject.sender.empty()) return Verdict::dunno();
  return unlisted(about_sender(question), AddressEnd::sender, "5.1.0");
}

}  // namespace smtpd::policy
