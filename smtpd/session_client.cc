// The session's part in whom it speaks with: the greeting, and a client who speaks for another.

#include <algorithm>

#include <fmt/format.h>

#include "lib/log/log.h"
#include "smtpd/session.h"

namespace smtpd {

// The greeting, or the refusal of the client as he is now.
Reply Session::greeting() {
  using Speaks = ClientLimits::Speaks;
  limits_.begin(is_listed_in(server_.tables().xclient_hosts) ? Speaks::for_others : Speaks::for_himself);
  if (auto refusal = limits_.connected()) return *refusal;
  if (auto refusal = milters_.connect()) {
    if (refusal->closes()) {
      // Whoever has not been greeted yet hears nothing.
      return {421, fmt::format("{} Service unavailable - try again later", params().myhostname),
              where_ == "CONNECT" ? Reply::Then::hang_up : Reply::Then::close};
    }
    if (refusal->code() >= 500) return {554, fmt::format("{} ESMTP not accepting connections", params().myhostname)};
  }
  if (!params().smtpd_delay_reject) {
    const policy::Verdict verdict = policy_.ask(policy::Stage::client, subject(), *this);
    if (verdict.refuses()) {
      is_denied_ = true;
      return refuse(verdict.reply());
    }
  }
  // Whoever talks before he is greeted, behind what a proxy has said for him, does not listen.
  const bool is_spoken_for = where_ != "CONNECT" || !params().smtpd_upstream_proxy_protocol.empty();
  if (is_spoken_for && is_improper_pipelining(ends_pipeline)) {
    return Reply(554, "5.5.0 Error: SMTP protocol synchronization", Reply::Then::close);
  }
  return Reply(220, params().smtpd_banner);
}

bool Session::is_listed_in(const maps::MatchList& list) const {
  const Result<bool> found = list.matches(client_.name, client_.address);
  if (found) return *found;
  maillog::warning("{}", found.error().message());
  return false;
}

Reply Session::become(std::span<const ClientFact> facts) {
  limits_.disconnected();
  reset();
  milters_.quit();
  helo_.clear();
  login_.reset();
  is_extended_ = false;
  discarded_ = Ehlo::none;
  decided_ = ipc::MessageFlags::none;
  for (const ClientFact& fact : facts) take(fact);
  client_.name_anew(params());
  milters_.choose();
  bare_newline_ = bare_newline_for(server_.tables(), snapshot_, client_);
  return greeting();
}

void Session::take(const ClientFact& fact) {
  const auto& value = fact.value;
  const auto or_unknown = [&] { return value.value_or(std::string(Client::unknown)); };
  switch (fact.attribute) {
    case ClientAttribute::helo: helo_ = value.value_or(""); break;
    case ClientAttribute::protocol: is_extended_ = value == "ESMTP"; break;
    case ClientAttribute::server_address: server_address_ = or_unknown(); break;
    case ClientAttribute::server_port: server_port_ = or_unknown(); break;
    case ClientAttribute::login:
      if (value) login_ = std::make_unique<Login>(Login{.method = "XCLIENT", .username = *value});
      break;
    case ClientAttribute::name:
    case ClientAttribute::reverse_name:
    case ClientAttribute::address:
    case ClientAttribute::port: client_.take(fact); break;
    case ClientAttribute::ident:
    case ClientAttribute::source: break;   // XFORWARD's
  }
}

void Session::forward(std::span<const ClientFact> facts) {
  if (!forwarded_) forwarded_ = std::make_unique<Forwarded>();
  forwarded_->take(facts);
}

}  // namespace smtpd
