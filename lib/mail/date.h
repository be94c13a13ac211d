#pragma once
// Dates as mail headers have them.

#include <string>

#include "lib/base/deadline.h"

namespace mail {

// RFC 5322 section 3.3, local time, with the zone's name as a comment: "Tue, 24 Nov 2026 06:24:59 +0000 (UTC)". The day
// has two digits. The local zone is read at the first use in the process: a program that changes its root calls this
// (or tzset) once before.
[[nodiscard]] std::string rfc5322_date(Stamp stamp);

}  // namespace mail
