#pragma once
// Which address a status is about (RFC 3463 section 3.2): x.1.1 to x.1.6 speak of a recipient, x.1.7 and x.1.8 of the
// sender. A text that was written for one, in a route or in a table, may be said of the other.

#include "lib/mail/dsn.h"

namespace smtpd::policy {

enum class AddressEnd { sender, recipient };

// The status that says the same of that end; x.1.0 where there is none. What is not x.1.n stays.
[[nodiscard]] mail::Dsn status_for(AddressEnd end, const mail::Dsn& status);

}  // namespace smtpd::policy
