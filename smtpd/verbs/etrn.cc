// ETRN (RFC 1985): asks to deliver now what waits for a site, which flush(8) knows.

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

bool is_valid_site(std::string_view site) {
  if (site.starts_with('[')) return mail::parse_path(fmt::format("<x@{}>", site), {.strict_envelopes = true}).has_value();
  return mail::is_valid_hostname(site);
}

Result<ipc::FlushStatus> ask_flush(Session& s, std::string_view site) {
  if (s.server().trusts_clients()) return ipc::FlushStatus::failed;   // the caller has no way to flush(8)
  const queue::FlushSites& sites = s.server().tables().flush_sites;
  if (!TRY(sites.has(site))) return ipc::FlushStatus::denied;
  return sites.ask(s.server().services(), {.command = ipc::FlushCommand::send_site, .site = std::string(site), .queue_id = {}});
}

}  // namespace

std::optional<Reply> etrn(Session& s, const Command& command) {
  if (s.params().smtpd_helo_required && !s.has_helo()) return Reply(503, "Error: send HELO/EHLO first");
  if (s.find_transaction() != nullptr) return Reply(503, "Error: MAIL transaction in progress");
  if (command.words().size() != 1) return Reply(500, "Syntax: ETRN domain");
  std::string_view site = command.rest;
  if (site.starts_with('@') || site.starts_with('#')) site.remove_prefix(1);
  if (!is_valid_site(site)) return Reply(501, "Error: invalid parameter syntax");

  policy::Subject subject = s.subject();
  subject.etrn_domain = site;
  const policy::Verdict verdict = s.policy().etrn(subject, s.asker());
  if (verdict.refuses()) return s.refuse(verdict.reply());

  const auto answer = ask_flush(s, site);
  if (!answer) maillog::warning("{}", answer.error().message());
  switch (answer.value_or(ipc::FlushStatus::failed)) {
    case ipc::FlushStatus::ok: return Reply(250, "Queuing started");
    case ipc::FlushStatus::bad:
    case ipc::FlushStatus::denied:
      maillog::warning("reject: ETRN {}... from {}", site, s.client().name_and_address);
      return Reply(459, fmt::format("<{}>: service unavailable", site));
    case ipc::FlushStatus::failed: break;
  }
  maillog::warning("unable to talk to fast flush service");
  return Reply(458, "Unable to queue messages");
}

}  // namespace smtpd
