#pragma once
// Mail addresses in their two forms. Internal: the local part without quotes, as tables, logs and the queue file have
// it (john smith@example.com). External: RFC 5321 form, quoted where needed ("john smith"@example.com). Both are plain
// strings in the queue format; these functions are the only place that knows the grammar (RFC 5321 4.1.2, RFC 5322 3.4,
// RFC 6531 for UTF-8).

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace mail {

// Quotes the local part where needed.
[[nodiscard]] std::string to_external(std::string_view internal);
// The local part alone, quoted where needed: for a caller that knows where the local part ends.
[[nodiscard]] std::string quote_local(std::string_view local);
// Takes quotes and backslashes away.
[[nodiscard]] std::string to_internal(std::string_view external);

// Parts of an internal address, split at the last '@'. No domain: domain() is empty and has_domain false.
struct AddressParts {
  std::string_view local, domain;
  bool has_domain;
};
[[nodiscard]] AddressParts split(std::string_view internal);

// What divides a local part: recipient_delimiter, a set of characters, the first of which in the text wins; and whether
// owner-LIST and LIST-request keep their dash.
struct Delimiters {
  std::string characters;
  bool owner_request_special = true;
};

// The user and the extension of a local part: "user+ext" gives "user" and "ext"; no delimiter: extension empty.
struct LocalParts {
  std::string_view user, extension;
  bool has_extension;
};
[[nodiscard]] LocalParts split_extension(std::string_view local, const Delimiters& delimiters);

// What a path may have; the parameters are Postfix's.
struct PathRules {
  bool allow_utf8 = false;             // smtputf8_enable
  bool strict_envelopes = false;       // strict_rfc821_envelopes
  bool allow_null_domain = false;      // resolve_null_domain: "a@"
  bool allow_numeric_domain = false;   // resolve_numeric_domain: "a@192.0.2.1"
  bool allow_min_user = false;         // "-a@b"
};

// The path of MAIL FROM or RCPT TO, without angle brackets or with; source routes "@a,@b:" are dropped. Gives the
// internal form, "" for <>. The error's message is the reason for the 501 reply.
[[nodiscard]] Result<std::string> parse_path(std::string_view path, const PathRules& rules);

// xtext (RFC 3461 section 4). Error for bad hex or control characters.
[[nodiscard]] Result<std::string> decode_xtext(std::string_view text);
[[nodiscard]] std::string encode_xtext(std::string_view text);

[[nodiscard]] bool is_valid_hostname(std::string_view name);   // RFC 1123, with Postfix's liberties ("_", no dots needed)

}  // namespace mail
