// ETRN (RFC 1985): asks to deliver now what waits for a site. The service that keeps the lists of such mail, flush(8),
// does not exist yet; for a site that it would serve the answer is RFC 1985's "unable to queue messages".

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

bool is_valid_site(std::string_view site) {
  return mail::is_valid_hostname(site) || mail::parse_path(fmt::format("x@{}", site), false, true).has_value();
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
  const policy::Verdict verdict = s.policy().etrn(subject, s.warnings());
  if (verdict.refuses()) return s.refuse(verdict.reply());

  const auto is_served = s.server().tables().fast_flush_domains.matches(site);
  if (!is_served) maillog::warning("{}", is_served.error().message());
  if (!is_served.value_or(false)) {
    maillog::warning("reject: ETRN {}... from {}", site, s.client().name_and_address);
    return Reply(459, fmt::format("<{}>: service unavailable", site));
  }
  maillog::warning("unable to talk to fast flush service");
  return Reply(458, "Unable to queue messages");
}

}  // namespace smtpd
