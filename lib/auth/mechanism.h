#pragma once
// SASL mechanisms as an authentication server describes them, and which of them an administrator wants.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace auth {

// What is true of a mechanism; a sum of bits.
enum class Property : std::uint8_t {
  none = 0,
  plaintext = 1,         // who listens has the password
  dictionary = 2,        // who listens can try words against what he heard
  active = 4,            // who is between the two can take over
  anonymous = 8,
  forward_secrecy = 16,  // the password, when it gets known, tells nothing of sessions before
  mutual_auth = 32,      // the server proves itself, too
  hidden = 64,           // served, and not announced ("private")
  channel_binding = 128, // needs what ties it to the TLS connection; the word is our own
};
[[nodiscard]] constexpr Property operator|(Property a, Property b) {
  return static_cast<Property>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr Property operator&(Property a, Property b) {
  return static_cast<Property>(static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b));
}

struct Mechanism {
  std::string name;   // "CRAM-MD5"
  Property properties = Property::none;
};

// The word of the protocol for a property ("plaintext"); none for one that is not known.
[[nodiscard]] Property property_of(std::string_view word);
// The words of `properties`, each with a tab before it.
[[nodiscard]] std::string property_words(Property properties);

// smtpd_sasl_security_options and the like: what mechanisms must not have, or must.
class SecurityOptions {
 public:
  // "noplaintext, noanonymous", the value of `parameter`. The error names the word that is none.
  static Result<SecurityOptions> parse(std::string_view parameter, std::string_view value);
  [[nodiscard]] bool allow(Property properties) const {
    return (properties & forbidden_) == Property::none && (properties & wanted_) == wanted_;
  }

 private:
  Property forbidden_ = Property::none, wanted_ = Property::none;
};

}  // namespace auth
