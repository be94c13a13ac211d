#include "lib/log/lines.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace maillog {
namespace {

constexpr int usec_digits = 6;
constexpr std::int64_t million = 1'000'000;

std::int64_t power_of_ten(int exponent) {
  std::int64_t value = 1;
  while (exponent-- > 0) value *= 10;
  return value;
}

}  // namespace

std::string delay_text(std::chrono::microseconds span, int decimals) {
  const std::int64_t usec = std::max<std::int64_t>(span.count(), 0);
  // Two significant digits are 0 decimals from 10 s on, 1 from 1 s on, and so on.
  int wanted = 0;
  for (std::int64_t limit = 10 * million; usec < limit && wanted < std::clamp(decimals, 0, usec_digits); limit /= 10) ++wanted;
  const std::int64_t unit = power_of_ten(usec_digits - wanted);
  const std::int64_t rounded = (usec + unit / 2) / unit;  // in units of 10^-wanted seconds
  std::string out = fmt::format("{}", rounded / power_of_ten(wanted));
  std::string fraction = wanted == 0 ? "" : fmt::format("{:0{}}", rounded % power_of_ten(wanted), wanted);
  while (fraction.ends_with('0')) fraction.pop_back();
  if (!fraction.empty()) out += "." + fraction;
  return out;
}

std::string text(const DeliveryLine& line) {
  std::string out = fmt::format("{}: to=<{}>, ", line.queue_id, line.recipient);
  if (!line.original.empty() && !ascii::equal_ignoring_case(line.original, line.recipient)) {
    out += fmt::format("orig_to=<{}>, ", line.original);
  }
  out += fmt::format("relay={}, ", line.relay);
  if (line.connection_use > 1) out += fmt::format("conn_use={}, ", line.connection_use);
  out += fmt::format("delay={}, delays={}/{}/{}/{}, ", delay_text(line.delay, line.decimals), delay_text(line.delays[0], line.decimals),
                     delay_text(line.delays[1], line.decimals), delay_text(line.delays[2], line.decimals),
                     delay_text(line.delays[3], line.decimals));
  if (!line.tls.empty()) out += fmt::format("tls={}, ", line.tls);
  out += fmt::format("dsn={}, status={} ({})", line.dsn, line.status, line.reason);
  return out;
}

void write(const DeliveryLine& line) { write(Level::info, text(line)); }

std::string text(const CheckLine& line) {
  constexpr std::size_t shown = 200;
  std::string out = fmt::format("{}: {}: {} {}", line.queue_id, line.action, line.part, line.text.substr(0, shown));
  if (!line.origin.empty()) {
    out += fmt::format(" from {}; from=<{}>", line.origin, line.sender);
    if (!line.recipient.empty()) out += fmt::format(" to=<{}>", line.recipient);
    if (!line.protocol.empty()) out += fmt::format(" proto={}", line.protocol);
    if (!line.helo.empty()) out += fmt::format(" helo=<{}>", line.helo);
  }
  if (!line.note.empty()) out += fmt::format(": {}", line.note);
  return out;
}

void write(const CheckLine& line) { write(Level::info, text(line)); }

void notification_line(std::string_view queue_id, std::string_view to, std::string_view what,
                       std::string_view new_queue_id) {
  info("{}: {} {} notification: {}", queue_id, to, what, new_queue_id);
}

std::string text(const LoginLine& line) {
  std::string out = fmt::format("login: client={}, sasl_method={}, sasl_username={}", line.client, line.method, line.user);
  if (!line.tls.empty()) out += fmt::format(", tls={}", line.tls);
  return out;
}

void write(const LoginLine& line) { write(Level::info, text(line)); }

std::string text(const LogoutLine& line) {
  return fmt::format("logout: client={}, sasl_username={}, in={}, out={}, time={}", line.client, line.user, line.bytes_in, line.bytes_out,
                     line.time.count());
}

void write(const LogoutLine& line) { write(Level::info, text(line)); }

}  // namespace maillog
