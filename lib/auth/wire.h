#pragma once
// A line of the auth-client protocol: a command and fields, separated by tabs. Within a field tab, CR, LF, NUL and the
// escape character itself (byte 1) are written as byte 1 and a letter or digit.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

inline constexpr unsigned protocol_major = 1;
// A line with an initial response, which is as long as smtpd_sasl_response_limit may say, and room for names.
inline constexpr std::size_t wire_line_limit = 64 * 1024;

// An initial response of no bytes, here as in RFC 4954 section 4.
inline constexpr std::string_view empty_response = "=";

// Fields of AUTH that Dovecot's protocol 1.2 does not have: what the mechanism is bound to, in base64. Said only to who has
// "valija-channel-binding" among the words of a mechanism.
inline constexpr std::string_view binding_exporter_field = "valija-tls-exporter", binding_unique_field = "valija-tls-unique";

// A ticket of authd(8): what it says behind "user=" to who has not said "nologin". It is good once, for ticket_lifetime, for the
// service and the session that the login was for; whoever opens the mailbox redeems it ("TICKET ID TICKET service= session=").
inline constexpr std::string_view ticket_field = "valija-ticket", session_field = "session";
inline constexpr std::chrono::seconds ticket_lifetime{10};

[[nodiscard]] std::string escape_field(std::string_view text);
[[nodiscard]] std::string unescape_field(std::string_view field);

// The views point into the line that was parsed.
struct WireLine {
  std::string_view command;
  std::vector<std::string_view> fields;

  static WireLine parse(std::string_view line);
  // The first field as a number; none where it is none.
  [[nodiscard]] std::optional<std::uint32_t> id() const;
  // A field that is just this word.
  [[nodiscard]] bool has(std::string_view word) const;
  // The value of "name=value", unescaped; none where there is no such field.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
};

}  // namespace auth
