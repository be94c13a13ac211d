#pragma once
// How a delivery to one recipient ended. Every agent ends in exactly one of these per recipient; lib/delivery turns it
// into the log line, the bounce, defer or trace record, and the done mark.

#include <optional>
#include <string>

#include "lib/mail/dsn.h"

namespace delivery {

enum class Status { sent, deferred, bounced };

struct Delivery {
  Status status = Status::deferred;
  mail::Dsn dsn{4, 0, 0};
  std::string relay = "none";        // as logged: "local", "virtual", "host[address]:port", "none"
  std::string reason;                // as logged in parentheses: "delivered to mailbox"
  std::string action;                // RFC 3464 action when not the usual one: "relayed", "expanded"
  std::string diag_type, diag_text;  // a peer's reply: "smtp", "550 5.1.1 ..."
  std::string mta_type, mta_mname;   // who said so: "dns", "mx.example.com"
  std::optional<std::string> notice_to;  // a failure is told to him at once (an alias's owner) instead of the sender
  std::string tls;                   // as logged: how much TLS the delivery had; empty: nothing is said of it
  bool notify_passed_on = false;     // the next hop speaks DSN (RFC 3461) and reports success itself
};

}  // namespace delivery
