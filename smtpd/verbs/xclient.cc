// XCLIENT and XFORWARD: who speaks for another client. XCLIENT becomes him, for restrictions too; XFORWARD only tells of him.

#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

std::expected<std::vector<ClientFact>, Reply> facts_of(Session& s, ClientVerb verb, const maps::MatchList& authorized,
                                                       const Command& command) {
  if (!s.is_listed_in(authorized)) return std::unexpected(Reply(550, "5.7.0 Error: insufficient authorization"));
  return parse_client_facts(verb, command.words(), dns::families_of(s.params().inet_protocols));
}

}  // namespace

std::optional<Reply> xclient(Session& s, const Command& command) {
  const auto facts = facts_of(s, ClientVerb::xclient, s.server().tables().xclient_hosts, command);
  return facts ? s.become(*facts) : facts.error();
}

std::optional<Reply> xforward(Session& s, const Command& command) {
  const auto facts = facts_of(s, ClientVerb::xforward, s.server().tables().xforward_hosts, command);
  if (!facts) return facts.error();
  s.forward(*facts);
  return Reply(250, "2.0.0 Ok");
}

}  // namespace smtpd
