// HELO and EHLO (RFC 5321 section 4.1.1.1). Either ends a transaction that is under way.

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "smtpd/received.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

// The refusal of smtpd_helo_restrictions where they are not put off until RCPT.
std::optional<Reply> refused(Session& s) {
  if (s.params().smtpd_delay_reject) return std::nullopt;
  const policy::Verdict verdict = s.policy().ask(policy::Stage::helo, s.subject(), s.asker());
  if (!verdict.refuses()) return std::nullopt;
  Reply reply = s.refuse(verdict.reply());
  s.forget_helo();
  return reply;
}

// What is not announced to this client: by his address, or for all.
Ehlo discarded_for(Session& s) {
  const maps::Maps& by_address = s.server().tables().discard_ehlo_maps;
  if (by_address.empty() || !s.client().is_ip) return s.snapshot().discarded;
  const auto found = by_address.lookup(s.client().address);
  if (!found) {
    maillog::warning("{}", found.error().message());
    return s.snapshot().discarded;
  }
  if (!found->has_value()) return s.snapshot().discarded;
  const auto set = smtp::parse_ehlo_keywords(**found);
  if (set) return *set;
  maillog::warning("smtpd_discard_ehlo_keyword_address_maps: {}", set.error().message());
  return s.snapshot().discarded;
}

// Takes the new name; what milters say of it is put off, unless the session is to end. What was under way is over.
std::optional<Reply> begin_anew(Session& s, std::string_view name) {
  const bool had_helo = s.has_helo();
  s.set_helo(neutral_helo(name), false);
  auto refusal = s.milters().helo(s.helo());
  if (had_helo) s.milters().abort();
  s.reset();
  return refusal;
}

std::string announcement(Session& s) {
  const Params& params = s.params();
  std::string text = params.myhostname;
  const auto announce = [&](Ehlo keyword, const std::string& line) {
    if (!has(s.discarded(), keyword)) text += "\n" + line;
  };
  if (s.milters().have_refused_helo()) {
    announce(Ehlo::enhanced_status_codes, "ENHANCEDSTATUSCODES");
    return text;
  }
  announce(Ehlo::pipelining, "PIPELINING");
  announce(Ehlo::size, params.message_size_limit > 0 ? fmt::format("SIZE {}", params.message_size_limit) : "SIZE");
  if (!params.disable_vrfy_command) announce(Ehlo::vrfy, "VRFY");
  announce(Ehlo::etrn, "ETRN");
  if (s.offers_tls()) announce(Ehlo::starttls, "STARTTLS");
  const bool may_log_in = s.sasl() != nullptr && !has(s.discarded(), Ehlo::auth) && (!params.smtpd_tls_auth_only || s.is_encrypted());
  if (const std::string mechanisms = may_log_in ? s.sasl()->announced_to(s.client(), {s.is_encrypted(), s.has_binding()}) : ""; !mechanisms.empty()) {
    text += "\nAUTH " + mechanisms;
    // Clients of the time before RFC 2554 look for this.
    if (params.broken_sasl_auth_clients) text += "\nAUTH=" + mechanisms;
  }
  const SharedTables& tables = s.server().tables();
  if (s.is_listed_in(tables.verp_clients)) announce(Ehlo::verp, "XVERP");
  if (s.is_listed_in(tables.xclient_hosts)) announce(Ehlo::xclient, attribute_names(ClientVerb::xclient));
  if (s.is_listed_in(tables.xforward_hosts)) announce(Ehlo::xforward, attribute_names(ClientVerb::xforward));
  announce(Ehlo::enhanced_status_codes, "ENHANCEDSTATUSCODES");
  announce(Ehlo::eight_bit_mime, "8BITMIME");
  announce(Ehlo::dsn, "DSN");
  if (params.smtputf8_enable) announce(Ehlo::smtputf8, "SMTPUTF8");
  announce(Ehlo::chunking, "CHUNKING");
  if (s.offers_require_tls()) announce(Ehlo::require_tls, "REQUIRETLS");
  return text;
}

}  // namespace

std::optional<Reply> helo(Session& s, const Command& command) {
  if (command.rest.empty()) return Reply(501, "Syntax: HELO hostname");
  if (auto reply = begin_anew(s, command.rest)) return reply;
  if (auto reply = refused(s)) return reply;
  return Reply(250, s.params().myhostname);
}

std::optional<Reply> ehlo(Session& s, const Command& command) {
  if (command.rest.empty()) return Reply(501, "Syntax: EHLO hostname");
  if (auto reply = begin_anew(s, command.rest)) return reply;
  if (auto reply = refused(s)) return reply;
  s.set_helo(s.helo(), true);
  s.discard(discarded_for(s));
  std::string lines = announcement(s);
  const std::string discarded = smtp::ehlo_keywords_text(s.discarded());
  // Where nothing is left to announce, Postfix does not say so either.
  if (!discarded.empty() && !has(s.discarded(), Ehlo::silent_discard) && lines.contains('\n')) {
    maillog::info("discarding EHLO keywords: {}", discarded);
  }
  return Reply(250, std::move(lines));
}

}  // namespace smtpd
