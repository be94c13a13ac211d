#pragma once
// Stored passwords: "{SCHEME}data" as Dovecot's tools and LDAP servers write them, and what can be done with one. Most schemes are
// slow on purpose: their verify() belongs on the offload pool.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace auth {

// What a server keeps for SCRAM (RFC 5802 section 3): with it nobody can log in elsewhere.
struct ScramSecret {
  std::uint32_t iterations = 0;
  std::string salt, stored_key, server_key;   // bytes
};

enum class ScramHash { sha1, sha256 };

// The secret of a password, which is normalized already (RFC 4013). Slow, as the iterations want.
[[nodiscard]] ScramSecret scram_secret(ScramHash hash, std::string_view password, std::string_view salt, std::uint32_t iterations);

class StoredPassword {
 public:
  // Without "{SCHEME}" it is a hash of crypt(3). The error: the scheme is not known, or the data is none of it.
  static Result<StoredPassword> parse(std::string_view text);

  // Whether `password` is the one. The error: it cannot be found out (a hash that crypt(3) does not know).
  [[nodiscard]] Result<bool> verify(std::string_view password) const;

  // verify() takes no longer than the way to the pool would: nothing is iterated.
  [[nodiscard]] bool is_quick() const { return kind_ == Kind::plain || kind_ == Kind::digest; }

  // The password itself, where that is what is stored: for CRAM-MD5 and DIGEST-MD5.
  [[nodiscard]] std::optional<std::string_view> plain() const;
  [[nodiscard]] std::optional<ScramSecret> scram(ScramHash hash) const;

 private:
  enum class Kind { plain, crypt, argon2, digest, pbkdf2, scram_sha1, scram_sha256 };
  struct Scheme;
  StoredPassword(Kind kind, const char* algorithm, std::string data) : kind_(kind), algorithm_(algorithm), data_(std::move(data)) {}
  static const Scheme* find_scheme(std::string_view name);

  Kind kind_;
  const char* algorithm_;   // of a digest
  std::string data_;        // digest: its bytes and the salt; else the text
};

// Equal, in a time that does not tell where they differ.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace auth
