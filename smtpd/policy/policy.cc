#include "smtpd/policy/policy.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace smtpd::policy {
namespace {

constexpr maps::Flags address_flags = maps::Flags::fold_keys | maps::Flags::utf8;

}  // namespace

Result<Tables> Tables::open(maps::Tables& tables, const Params& params) {
  Tables out;
  using maps::ListKind;
  const auto list_of = [&](std::string_view parameter, std::string_view value, ListKind kind) {
    return maps::MatchList::parse(tables, parameter, value, kind, false);
  };
  const auto maps_of = [&](std::string_view parameter, std::string_view value) {
    return maps::Maps::open(tables, parameter, value, address_flags);
  };
  out.mynetworks = TRY(list_of("mynetworks", params.mynetworks, ListKind::address));
  out.local_recipients = TRY(maps_of("local_recipient_maps", params.local_recipient_maps));
  out.canonical = TRY(maps_of("canonical_maps", params.canonical_maps));
  out.sender_canonical = TRY(maps_of("sender_canonical_maps", params.sender_canonical_maps));
  out.recipient_canonical = TRY(maps_of("recipient_canonical_maps", params.recipient_canonical_maps));
  out.virtual_aliases = TRY(maps_of("virtual_alias_maps", params.virtual_alias_maps));
  out.virtual_mailboxes = TRY(maps_of("virtual_mailbox_maps", params.virtual_mailbox_maps));
  out.relay_recipients = TRY(maps_of("relay_recipient_maps", params.relay_recipient_maps));
  return out;
}

Result<Lists> Lists::parse(const Params& params) {
  Lists out{
      .client = Restrictions::parse("smtpd_client_restrictions", params.smtpd_client_restrictions),
      .helo = Restrictions::parse("smtpd_helo_restrictions", params.smtpd_helo_restrictions),
      .sender = Restrictions::parse("smtpd_sender_restrictions", params.smtpd_sender_restrictions),
      .relay = Restrictions::parse("smtpd_relay_restrictions", params.smtpd_relay_restrictions),
      .recipient = Restrictions::parse("smtpd_recipient_restrictions", params.smtpd_recipient_restrictions),
      .data = Restrictions::parse("smtpd_data_restrictions", params.smtpd_data_restrictions),
      .end_of_data = Restrictions::parse("smtpd_end_of_data_restrictions", params.smtpd_end_of_data_restrictions),
      .etrn = Restrictions::parse("smtpd_etrn_restrictions", params.smtpd_etrn_restrictions),
  };
  if (!out.relay.guards_relay() && !out.recipient.guards_relay()) {
    return base::fail(
        "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
        "reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains");
  }
  return out;
}

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

Verdict Policy::ask(Stage stage, const Subject& subject, WarningLog& warnings) {
  const Question question{*this, stage, subject};
  for (const Restrictions::Item& item : list(stage).items()) {
    const Verdict verdict =
        item.row != nullptr ? item.row->check(question) : Verdict::refuse(server_configuration_error());
    if (verdict.permits()) return verdict;
    if (!verdict.refuses()) continue;
    if (item.row == nullptr || !item.is_warning) return verdict;
    warnings.reject_warning(verdict.reply());
  }
  return Verdict::dunno();
}

// What smtpd_delay_reject puts off until the recipient is known, so that the log shows whom it hits.
Verdict Policy::delayed(const Subject& subject, WarningLog& warnings) {
  if (!params_.smtpd_delay_reject) return Verdict::dunno();
  for (const Stage stage : {Stage::client, Stage::helo, Stage::sender}) {
    // Without a HELO there is nothing to ask its list about.
    if (stage == Stage::helo && subject.helo.empty()) continue;
    if (Verdict verdict = ask(stage, subject, warnings); verdict.refuses()) return verdict;
  }
  return unlisted_sender(subject);
}

Verdict Policy::unlisted_sender(const Subject& subject) {
  if (!params_.smtpd_reject_unlisted_sender) return Verdict::dunno();
  return reject_unlisted_sender({*this, Stage::sender, subject});
}

Verdict Policy::sender(const Subject& subject, WarningLog& warnings) {
  if (params_.smtpd_delay_reject) return Verdict::dunno();
  if (Verdict verdict = ask(Stage::sender, subject, warnings); verdict.refuses()) return verdict;
  return unlisted_sender(subject);
}

Verdict Policy::recipient(const Subject& subject, WarningLog& warnings) {
  if (Verdict verdict = delayed(subject, warnings); verdict.refuses()) return verdict;
  const bool relay_first = params_.smtpd_relay_before_recipient_restrictions;
  for (const Stage stage : {relay_first ? Stage::relay : Stage::recipient, relay_first ? Stage::recipient : Stage::relay}) {
    if (Verdict verdict = ask(stage, subject, warnings); verdict.refuses()) return verdict;
  }
  if (!params_.smtpd_reject_unlisted_recipient || !lists_.checks_recipients) return Verdict::dunno();
  return reject_unlisted_recipient({*this, Stage::recipient, subject});
}

Verdict Policy::etrn(const Subject& subject, WarningLog& warnings) {
  if (params_.smtpd_delay_reject) {
    for (const Stage stage : {Stage::client, Stage::helo}) {
      if (stage == Stage::helo && subject.helo.empty()) continue;
      if (Verdict verdict = ask(stage, subject, warnings); verdict.refuses()) return verdict;
    }
  }
  return ask(Stage::etrn, subject, warnings);
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
  return Verdict::refuse(temporary_failure(question));
}

Reply Policy::temporary_failure(const Question& question) const {
  const Subject& subject = question.subject;
  const std::string_view about = subject.recipient.empty() ? std::string_view(subject.client.name_and_address) : subject.recipient;
  return {451, fmt::format("4.3.0 <{}>: Temporary lookup failure", about)};
}

}  // namespace smtpd::policy
