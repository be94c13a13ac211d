#include "smtpd/policy/policy_client.h"

#include <algorithm>
#include <cstring>
#include <span>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/config/record.h"
#include "lib/config/value.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/maps/list.h"

namespace smtpd::policy {
namespace {

Result<maps::ServerAddress> parse_address(std::string_view text) {
  auto address = TRY(maps::ServerAddress::parse_transport(text));
  if (!address) return base::fail(fmt::format("bad policy server \"{}\": need inet:host:port or unix:path", text));
  return std::move(*address);
}

Result<void> set(PolicySettings& settings, std::string_view name, std::string_view value) {
  const auto seconds = [&](std::chrono::seconds& to) -> Result<void> {
    to = TRY(config::parse_time(config::find_record("smtpd_policy_service_timeout"), name, value));
    return {};
  };
  const auto number = [&](int& to) -> Result<void> {
    const auto parsed = ascii::parse_number(value, INT32_MAX);
    if (!parsed) return base::fail(fmt::format("bad numerical value: {} = {}", name, value));
    to = static_cast<int>(*parsed);
    return {};
  };
  if (name == "timeout") return seconds(settings.timeout);
  if (name == "max_idle") return seconds(settings.max_idle);
  if (name == "max_ttl") return seconds(settings.max_ttl);
  if (name == "retry_delay") return seconds(settings.retry_delay);
  if (name == "try_limit") return number(settings.try_limit);
  if (name == "request_limit") return number(settings.request_limit);
  if (name == "default_action") settings.default_action = value;
  else if (name == "policy_context") settings.context = value;
  else return base::fail(fmt::format("unexpected attribute: {}", name));
  return {};
}

}  // namespace

PolicySettings PolicySettings::of(const Params& params) {
  return {.timeout = params.smtpd_policy_service_timeout,
          .max_idle = params.smtpd_policy_service_max_idle,
          .max_ttl = params.smtpd_policy_service_max_ttl,
          .retry_delay = params.smtpd_policy_service_retry_delay,
          .try_limit = params.smtpd_policy_service_try_limit,
          .request_limit = params.smtpd_policy_service_request_limit,
          .default_action = params.smtpd_policy_service_default_action,
          .context = params.smtpd_policy_service_policy_context};
}

Result<std::shared_ptr<PolicyClient>> PolicyClient::parse(std::string_view text, const PolicySettings& defaults) {
  PolicySettings settings = defaults;
  if (!text.starts_with('{')) return std::make_shared<PolicyClient>(std::string(text), TRY(parse_address(text)), std::move(settings));
  const auto words = maps::split_list(TRY(maps::without_braces(text)));
  if (words.empty()) return base::fail("no policy server");
  // A value with space in it needs braces: { default_action = 451 Come again }.
  for (std::string_view word : std::span(words).subspan(1)) {
    if (word.starts_with('{')) word = TRY(maps::without_braces(word));
    const config::Entry entry = TRY(config::parse_setting(word));
    TRY(set(settings, entry.name, entry.value));
  }
  return std::make_shared<PolicyClient>(std::string(words.front()), TRY(parse_address(words.front())), std::move(settings));
}

std::string PolicyClient::ask(const std::string& request) {
  for (int tries = 1;; ++tries) {
    const bool is_last = tries >= settings_.try_limit;
    auto action = try_ask(request);
    if (action) return std::move(*action);
    // A server that closes a connection may be a new one the next time.
    if (is_last || action.error().code() != 0) {
      maillog::warning("problem talking to server {}: {}", connections_.name(), action.error().message());
    }
    if (is_last) break;
    event::sleep_until(base::after(settings_.retry_delay));
  }
  return settings_.default_action;
}

Result<std::string> PolicyClient::try_ask(const std::string& request) {
  const Deadline deadline = base::after(settings_.timeout);
  auto connection = connections_.take(deadline);
  if (!connection) {
    maillog::warning("connect to {}: {}", connections_.name(), connection.error().message());
    return base::Failure(std::move(connection).error());
  }
  connection->stream.write(request, deadline);
  auto action = read_action(connection->stream, deadline);
  if (!action) return action;
  // Whatever comes behind the answer spoils the connection.
  const bool may_be_kept = settings_.request_limit == 0 || connection->answers + 1 < settings_.request_limit;
  if (may_be_kept && !connection->stream.has_input()) connections_.keep(std::move(*connection));
  return action;
}

Result<std::string> PolicyClient::read_action(io::Stream& stream, Deadline deadline) const {
  std::string action;
  bool has_action = false;
  for (std::size_t lines = 0; lines < lines_limit; ++lines) {
    const io::LineResult line = stream.read_line(deadline, line_limit);
    if (!line) {
      switch (line.end()) {
        case io::End::timeout:
          maillog::warning("timeout on {} while reading input attribute value", connections_.name());
          return base::fail(std::strerror(ETIMEDOUT), ETIMEDOUT);
        case io::End::too_long: return base::fail("answer is too long", EPROTO);
        case io::End::error: return base::fail(std::strerror(stream.last_errno()), stream.last_errno());
        case io::End::eof:
        case io::End::ok: break;
      }
      return base::fail("Application error");
    }
    if (line.text().empty()) {
      if (has_action) return action;
      return base::fail("answer without action", EPROTO);
    }
    constexpr std::string_view name = "action=";
    if (line.text().starts_with(name)) {
      if (has_action) return base::fail("answer with two actions", EPROTO);
      action = ascii::trim(line.text().substr(name.size()));
      // It may become a header field, or an address.
      std::ranges::replace_if(action, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; }, '?');
      has_action = true;
    }
  }
  return base::fail("answer is too long", EPROTO);
}

}  // namespace smtpd::policy
