#pragma once
// The sender of the probes of verify(8), whose answers and own mail are nobody's: address_verify_sender, with a mark in its
// local part that changes with the time (address_verify_sender_ttl), so that those who learn of it have little of it.

#include <chrono>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"

namespace mail {

// `configured` and the result are in external form; empty: the null sender. Without a `lifetime` there is no mark.
[[nodiscard]] std::string probe_sender(std::string_view configured, std::chrono::seconds lifetime, Stamp now);

}  // namespace mail
