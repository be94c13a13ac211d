// The path of MAIL, RCPT and VRFY: which forms the configuration allows, and the log line about the others.

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

constexpr std::string_view name(PathOf verb) {
  switch (verb) {
    case PathOf::mail: return "MAIL";
    case PathOf::rcpt: return "RCPT";
    case PathOf::vrfy: break;
  }
  return "VRFY";
}

}  // namespace

std::optional<std::string> take_path(Session& s, PathOf verb, std::string_view text, bool declares_utf8) {
  const Params& params = s.params();
  const mail::PathRules rules{
      .allow_utf8 = params.smtputf8_enable && declares_utf8,
      .strict_envelopes = params.strict_rfc821_envelopes && verb != PathOf::vrfy,
      .allow_null_domain = params.resolve_null_domain,
      .allow_numeric_domain = params.resolve_numeric_domain,
      .allow_min_user = params.allow_min_user,
  };
  auto address = mail::parse_path(text, rules);
  if (address && (verb == PathOf::mail || !address->empty())) return std::move(*address);
  maillog::warning("Illegal address syntax from {} in {} command: {}", s.client().name_and_address, name(verb), text);
  return std::nullopt;
}

}  // namespace smtpd
