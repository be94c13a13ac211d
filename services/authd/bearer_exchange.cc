#include "services/authd/bearer_exchange.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "services/authd/tokens.h"

namespace authd {
namespace {

constexpr char separator = '\1';

// RFC 5801 section 4: "," and "=" in a name. None: "=" before something else.
std::optional<std::string> unescaped_name(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    const std::string_view code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    out += code == "=2C" ? ',' : '=';
    i += 2;
  }
  return out;
}

// The token in "key=value^Akey=value^A^A". None: it does not end so, or has no, or more than one, "auth".
std::optional<std::string> token_in(std::string_view pairs) {
  std::optional<std::string> token;
  while (!pairs.starts_with(separator)) {
    const std::size_t end = pairs.find(separator), equals = pairs.find('=');
    if (end == std::string_view::npos || equals == std::string_view::npos || equals > end) return std::nullopt;
    const std::string_view value = pairs.substr(equals + 1, end - equals - 1);
    if (pairs.substr(0, equals) == "auth") {
      constexpr std::string_view scheme = "bearer ";
      if (token || (!value.empty() && !ascii::equal_ignoring_case(value.substr(0, scheme.size()), scheme))) return std::nullopt;
      token = value.empty() ? "" : ascii::trim(value.substr(scheme.size()));
    }
    pairs.remove_prefix(end + 1);
  }
  if (pairs.size() != 1) return std::nullopt;
  return token;
}

// Printable ASCII, as the settings are, but for what JSON has to escape.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::optional<BearerMessage> parse_oauthbearer(std::string_view message) {
  // No channel binding: it has no -PLUS.
  if (!message.starts_with("n,") && !message.starts_with("y,")) return std::nullopt;
  message.remove_prefix(2);
  BearerMessage out;
  const std::size_t comma = message.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  if (const std::string_view name = message.substr(0, comma); !name.empty()) {
    if (!name.starts_with("a=")) return std::nullopt;
    auto user = unescaped_name(name.substr(2));
    if (!user) return std::nullopt;
    out.user = std::move(*user);
  }
  message.remove_prefix(comma + 1);
  if (!message.starts_with(separator)) return std::nullopt;
  auto token = token_in(message.substr(1));
  if (!token) return std::nullopt;
  out.token = std::move(*token);
  return out;
}

std::optional<BearerMessage> parse_xoauth2(std::string_view message) {
  constexpr std::string_view user = "user=";
  const std::size_t end = message.find(separator);
  if (!message.starts_with(user) || end == std::string_view::npos) return std::nullopt;
  auto token = token_in(message.substr(end + 1));
  if (!token) return std::nullopt;
  return BearerMessage{std::string(message.substr(user.size(), end - user.size())), std::move(*token)};
}

Step BearerExchange::step(const std::optional<std::string>& response) {
  // Whatever he answers to it (RFC 7628 section 3.2.3: one byte; XOAUTH2: nothing).
  if (refusal_) return *refusal_;
  if (!response || (response->empty() && !was_asked_)) {
    was_asked_ = true;
    return {Step::Kind::challenge, {}, {}, {}};
  }
  return show(*response);
}

Step BearerExchange::show(const std::string& text) {
  if (!authority_.takes_cleartext(caller_)) {
    return {Step::Kind::refused, {}, "a token in clear text without TLS", "Tokens in clear text are taken under TLS only"};
  }
  auto message = is_standard_ ? parse_oauthbearer(text) : parse_xoauth2(text);
  if (!message) return refuse("invalid_request", "not in the form of the mechanism");
  const auto claimed = message->user.empty() ? std::nullopt : take_name(message->user);
  if (!message->user.empty() && !claimed) return refuse("invalid_request", "no such name can be");
  if (message->token.empty()) return refuse("invalid_token", "without a token");
  const ipc::TokenAnswer answer = authority_.tokens()->check(message->token);
  if (answer.verdict == ipc::TokenVerdict::unavailable) return {Step::Kind::unavailable, {}, answer.why, {}};
  if (answer.verdict == ipc::TokenVerdict::invalid) return refuse("invalid_token", "token: " + answer.why);
  const auto name = authority_.format().apply(answer.user);
  if (!name) return refuse("invalid_token", "token: no such name can be");
  if (claimed && *claimed != *name) return refuse("invalid_token", "wants to act for another user");
  user_ = *name;
  if (answer.verdict == ipc::TokenVerdict::insufficient_scope) return refuse("insufficient_scope", "token: " + answer.why);
  return {Step::Kind::accepted, {}, {}, {}};
}

Step BearerExchange::refuse(std::string_view status, std::string why) {
  refusal_ = Step{Step::Kind::refused, {}, std::move(why), {}};
  const TokenHints& hints = authority_.tokens()->hints();
  // Of XOAUTH2 there are clients that look for the number of HTTP.
  std::string json = is_standard_ ? fmt::format("{{\"status\":\"{}\"", status)
                                  : fmt::format("{{\"status\":\"{}\",\"schemes\":\"bearer\"", status == "invalid_request" ? "400" : "401");
  if (!hints.scope.empty()) json += ",\"scope\":" + json_string(hints.scope);
  if (is_standard_ && !hints.openid_configuration.empty()) json += ",\"openid-configuration\":" + json_string(hints.openid_configuration);
  return {Step::Kind::challenge, json + "}", {}, {}};
}

}  // namespace authd
