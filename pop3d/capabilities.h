#pragma once
// What is said alike before and after the login.

#include <chrono>
#include <string>
#include <string_view>

namespace pop3d {

// The lines of CAPA that hold in each state (RFC 2449, RFC 3206, RFC 6856). `login_delay`: pop3d_login_delay.
[[nodiscard]] std::string common_capabilities(std::chrono::seconds login_delay);

// LANG (RFC 6856 section 3): there is English.
[[nodiscard]] std::string language_reply(std::string_view wanted);

}  // namespace pop3d
