#pragma once
// What is said alike before and after the login.

#include <string>
#include <string_view>

namespace pop3d {

// The lines of CAPA that always hold (RFC 2449, RFC 3206, RFC 6856).
inline constexpr std::string_view common_capabilities =
    "TOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\nLANG\r\nUTF8\r\nIMPLEMENTATION Valija\r\n";

// LANG (RFC 6856 section 3): there is English.
[[nodiscard]] std::string language_reply(std::string_view wanted);

}  // namespace pop3d
