#pragma once
// What the administrator decided about messages on their way into the queue: the parameters of main.cf in the form that
// the steps use. Everything here is read once and never changes.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/checks.h"
#include "lib/base/error.h"
#include "lib/mail/mime_scan.h"

namespace cleanup {

// What to do when the header ends with text that is no header line (non_empty_end_of_header_action).
enum class HeaderEnd {
  fix_quietly,  // put the missing empty line in
  add_header,   // the same, and say so in a header
  reject,       // refuse the message
};

// How a full name and an address make a From: field (header_from_format).
enum class FromFormat { standard, obsolete };

// Bounds of virtual_alias_maps: a recipient that exceeds one is not accepted.
struct AliasLimits {
  std::size_t expansion = 1000;       // addresses that one recipient may become
  std::size_t recursion = 1000;       // lookups on the way to one of them
  std::size_t address_length = 1000;  // bytes of one result
};

// Where an address stands: the words of canonical_classes and the like. A set of them is a sum of bits.
enum class AddressPlace : unsigned {
  none = 0,
  envelope_sender = 1,
  envelope_recipient = 2,
  header_sender = 4,
  header_recipient = 8,
};
[[nodiscard]] constexpr AddressPlace operator|(AddressPlace a, AddressPlace b) {
  return static_cast<AddressPlace>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(AddressPlace set, AddressPlace place) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(place)) != 0;
}

struct Policy {
  std::string myhostname;
  std::vector<std::string> drop_headers{"bcc", "content-length", "resent-bcc", "return-path"};  // lower case
  std::size_t header_size_limit = 102400;         // bytes of one logical header; the rest is dropped
  std::size_t header_address_token_limit = 10240;
  std::size_t line_length_limit = 2048;           // bytes of one content record
  std::size_t attribute_count_limit = 100;
  std::int64_t message_size_limit = 10240000;     // bytes of content records; 0 for no limit
  int hopcount_limit = 50;
  bool always_add_missing_headers = false;
  bool replace_stray_cr_lf = true;
  bool detect_8bit_encoding_header = true;
  bool parse_mime = true;                         // not disable_mime_input_processing
  std::size_t mime_nesting_limit = 100;
  std::size_t mime_boundary_length_limit = 2048;
  std::vector<mail::MimeFault> refused_faults;    // strict_7bit_headers, strict_8bitmime_body, strict_mime_encoding_domain
  bool converts = false;                          // force_mime_input_conversion: 8-bit parts become 7-bit
  std::string rejected_characters, stripped_characters;
  bool heeds_tls_required = true;                 // tls_required_enable: "TLS-Required: no" (RFC 8689)
  bool has_require_tls_header = true;             // requiretls_esmtp_header
  HeaderEnd header_end = HeaderEnd::fix_quietly;
  FromFormat from_format = FromFormat::standard;
  std::string remote_header_rewrite_domain;
  std::string undisclosed_recipients_header;      // a whole line, or empty
  std::string full_name_encoding_charset = "utf-8";
  std::string empty_address_recipient = "MAILER-DAEMON";
  std::string always_bcc;
  std::chrono::seconds delay_warning_time{0};
  bool enable_original_recipient = true;
  std::size_t duplicate_filter_limit = 1000;
  AliasLimits alias;
  bool propagate_virtual = true;                  // "virtual" in propagate_unmatched_extensions
  bool propagate_canonical = true;                // "canonical" there
  AddressPlace canonical_places = AddressPlace::none, sender_canonical_places = AddressPlace::none,
               recipient_canonical_places = AddressPlace::none, masquerade_places = AddressPlace::none;
  std::vector<std::string> masquerade_domains;    // lower case, "!" where it stands
  CheckMaps checks;                               // for messages that are to be filtered
};

// The words of the enum parameters. `parameter` is named in the error.
[[nodiscard]] Result<AddressPlace> parse_places(std::string_view parameter, std::string_view words);
[[nodiscard]] Result<HeaderEnd> parse_header_end(std::string_view word);
[[nodiscard]] Result<FromFormat> parse_from_format(std::string_view word);

}  // namespace cleanup
