// AUTH (RFC 4954): carries what the client and the authentication server say to each other.

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/log/log.h"
#include "smtpd/session.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

using Kind = auth::Answer::Kind;

constexpr std::string_view no_reason = "(reason unavailable)";
constexpr std::string_view no_user = "(unavailable)";
constexpr int steps_limit = 50;   // of one exchange; the longest mechanism has four

class Attempt {
 public:
  // `method` as the client wrote it.
  Attempt(Session& session, std::string_view method) : session_(session), method_(method) {}

  [[nodiscard]] std::optional<Reply> run(std::optional<std::string_view> initial) {
    const auto mechanism = session_.sasl()->find(method_, {session_.is_encrypted(), session_.has_binding()});
    if (!mechanism) return unavailable(mechanism.error().message());
    if (!mechanism->has_value()) return refused(fmt::format("Invalid authentication mechanism: '{}'", method_), {});
    if (initial == auth::empty_response) initial = "";
    if (initial && !base::decode_base64(*initial)) return refused("Invalid base64 data in initial response", {});
    auto started = session_.sasl()->server().start({.mechanism = (*mechanism)->name,
                                                    .service = session_.params().smtpd_sasl_service,
                                                    .local_address = session_.server_address(),
                                                    .remote_address = session_.client().address,
                                                    .is_encrypted = session_.is_encrypted(),
                                                    .binding = (*mechanism)->wants_binding ? &session_.binding() : nullptr,
                                                    .initial = initial});
    if (!started) return unavailable(started.error().message());
    auth::Answer answer = std::move(started->answer);
    for (int step = 0; answer.kind == Kind::challenge; ++step) {
      if (step == steps_limit) return unavailable("the authentication server has no end of questions");
      auto response = ask(answer.text);
      if (!response.text) return std::move(response.reply);
      auto next = started->exchange->go_on(*response.text);
      if (!next) return unavailable(next.error().message());
      answer = std::move(*next);
    }
    return end(answer);
  }

 private:
  struct Response {
    std::optional<std::string> text;
    std::optional<Reply> reply;   // instead of it; neither: the client is gone
  };

  [[nodiscard]] Response ask(std::string_view challenge) {
    if (!session_.send(Reply(334, std::string(challenge)))) return {};
    bool is_too_long = false;
    std::optional<std::string> text = session_.read_response(is_too_long);
    if (is_too_long) return {std::nullopt, Reply(500, "5.5.6 SASL response limit exceeded")};
    if (!text) return {};
    if (*text == "*") {
      maillog::warning("{}: SASL {} authentication aborted", session_.client().name_and_address, method_);
      return {std::nullopt, Reply(501, "5.7.0 Authentication aborted")};
    }
    if (!base::decode_base64(*text)) return {std::nullopt, refused("Invalid base64 data in continued response", {})};
    return {std::move(text), std::nullopt};
  }

  [[nodiscard]] Reply end(const auth::Answer& answer) {
    switch (answer.kind) {
      case Kind::accepted:
        session_.logged_in({ascii::uppercase(method_), answer.user});
        return {235, "2.7.0 Authentication successful"};
      case Kind::unavailable: return unavailable(answer.text.empty() ? no_reason : answer.text, answer.user);
      case Kind::challenge:
      case Kind::refused: break;
    }
    return refused(answer.text.empty() ? no_reason : answer.text, answer.user);
  }

  [[nodiscard]] Reply refused(std::string_view reason, std::string_view user) const {
    log_failure(reason, user);
    return {535, fmt::format("5.7.8 Error: authentication failed: {}", reason)};
  }
  // RFC 4954 section 4: the password may be right.
  [[nodiscard]] Reply unavailable(std::string_view reason, std::string_view user = {}) const {
    log_failure(reason, user);
    return {454, fmt::format("4.7.0 Temporary authentication failure: {}", reason)};
  }
  // fail2ban looks for it.
  void log_failure(std::string_view reason, std::string_view user) const {
    constexpr std::size_t shown = 100;
    maillog::warning("{}: SASL {} authentication failed: {}, sasl_username={}", session_.client().name_and_address, method_,
                     reason, user.empty() ? no_user : user.substr(0, shown));
  }

  Session& session_;
  std::string_view method_;
};

}  // namespace

std::optional<Reply> auth(Session& s, const Command& command) {
  // RFC 4954 section 4 wants 538 for a mechanism that needs encryption; where all need it, there is no AUTH.
  const bool is_off = s.sasl() == nullptr || has(s.discarded(), Ehlo::auth) ||
                      (s.params().smtpd_tls_auth_only && !s.is_encrypted());
  if (is_off) return Reply(503, "5.5.1 Error: authentication not enabled");
  if (auto refusal = s.limits().authentication()) return refusal;
  if (s.find_transaction() != nullptr || s.phase() != Phase::idle) return Reply(503, "5.5.1 Error: MAIL transaction in progress");
  if (s.login() != nullptr) return Reply(503, "5.5.1 Error: already authenticated");
  const std::vector<std::string_view> words = command.words();
  if (words.empty() || words.size() > 2) return Reply(501, "5.5.4 Syntax: AUTH mechanism");
  return Attempt(s, words[0]).run(words.size() == 2 ? std::optional(words[1]) : std::nullopt);
}

}  // namespace smtpd
