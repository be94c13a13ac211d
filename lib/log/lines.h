#pragma once
// The lines that log tools parse (pflogsumm, fail2ban, logwatch, exporters): each is composed here and nowhere else.
// Addresses come in external form, as info_log_address_format wants them.

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace maillog {

// A time span as the delay= and delays= fields have it: two significant digits, no more than `decimals` after the point
// (delay_logging_resolution_limit), no zeros at the end: 0.05, 1.2, 48, 0. Negative spans count as 0.
[[nodiscard]] std::string delay_text(std::chrono::microseconds span, int decimals);

// One attempt to deliver to one recipient.
struct DeliveryLine {
  std::string_view queue_id;
  std::string_view recipient;
  std::string_view original;      // logged as orig_to= where it differs, ignoring case, and is not empty
  std::string_view relay;         // "local", "host[address]:port", "none"
  int connection_use = 1;         // logged as conn_use= from the second use of a connection on
  std::chrono::microseconds delay;
  // Before the queue manager, in it, setting up the connection, transmitting.
  std::array<std::chrono::microseconds, 4> delays;
  int decimals = 2;
  std::string_view tls = {};      // "may", "secure/requiretls"; logged where it is not empty
  std::string_view dsn;           // "2.0.0"
  std::string_view status;        // "sent", "deferred", "bounced", "SOFTBOUNCE", "deliverable", "undeliverable"
  std::string_view reason;        // in parentheses
};

// "QID: to=<a>, orig_to=<b>, relay=r, delay=1.2, delays=0.1/0/0.9/0.2, dsn=2.0.0, status=sent (250 Ok)"
[[nodiscard]] std::string text(const DeliveryLine& line);
void write(const DeliveryLine& line);

// bounce(8) has put a notice into the queue: "QID: sender non-delivery notification: NEWQID". `to` is "sender" or
// "postmaster"; `what` is "non-delivery", "delay" or "delivery status".
void notification_line(std::string_view queue_id, std::string_view to, std::string_view what, std::string_view new_queue_id);

// A rule of header_checks or body_checks has matched. cleanup(8) says whose message it is, smtp(8), which leaves `origin`
// empty, does not.
struct CheckLine {
  std::string_view queue_id;
  std::string_view action;        // "reject", "warning", "hold" ...
  std::string_view part;          // "header" or "body"
  std::string_view text;          // that was looked up; 200 bytes of it are shown
  std::string_view origin;        // "name[address]", "local", or empty
  std::string_view sender, recipient, protocol, helo;
  std::string_view note;          // what the rule says, or empty
};

// "QID: reject: header X: y from host[addr]; from=<s> to=<r> proto=ESMTP helo=<h>: 5.7.1 text"
[[nodiscard]] std::string text(const CheckLine& line);
void write(const CheckLine& line);

// A user comes to his mailbox, and leaves it.
struct LoginLine {
  std::string_view client;        // "name[address]"
  std::string_view method;        // the SASL mechanism
  std::string_view user;
  std::string_view tls;           // the protocol, "TLSv1.3"; empty: none
};
struct LogoutLine {
  std::string_view client, user;
  std::uint64_t bytes_in, bytes_out;   // from the client, to him
  std::chrono::seconds time;
};

// "login: client=host[addr], sasl_method=PLAIN, sasl_username=alice, tls=TLSv1.3"
[[nodiscard]] std::string text(const LoginLine& line);
void write(const LoginLine& line);
// "logout: client=host[addr], sasl_username=alice, in=120, out=4711, time=3"
[[nodiscard]] std::string text(const LogoutLine& line);
void write(const LogoutLine& line);

}  // namespace maillog
