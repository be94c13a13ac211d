#include "lib/auth/password.h"

#include <algorithm>
#include <array>
#include <memory>

#include <argon2.h>
#include <crypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"

namespace auth {
namespace {

// What a stored hash may ask for: more would be an attack on this process, by who can write the file.
constexpr std::uint32_t iterations_limit = 10'000'000;
constexpr std::uint32_t argon2_memory_limit = 1U << 20;   // KiB
constexpr std::size_t salt_limit = 256;

std::optional<std::string> decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) -> int {
    if (ascii::is_digit(c)) return c - '0';
    const char lower = ascii::to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string digest(const char* algorithm, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_get_digestbyname(algorithm), nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac(const char* algorithm, std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  HMAC(EVP_get_digestbyname(algorithm), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string pbkdf2(const char* algorithm, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const EVP_MD* const hash = EVP_get_digestbyname(algorithm);
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(hash)), '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt), static_cast<int>(salt.size()),
                    static_cast<int>(iterations), hash, static_cast<int>(out.size()), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

const char* algorithm_of(ScramHash hash) { return hash == ScramHash::sha1 ? "SHA1" : "SHA256"; }

// "4096,SALT,STOREDKEY,SERVERKEY", the last three in base64.
std::optional<ScramSecret> parse_scram(std::string_view text, ScramHash hash) {
  const auto parts = ascii::split(text, ",");
  if (parts.size() != 4) return std::nullopt;
  const auto iterations = ascii::parse_number(parts[0], iterations_limit);
  auto salt = base::decode_base64(parts[1]);
  auto stored_key = base::decode_base64(parts[2]);
  auto server_key = base::decode_base64(parts[3]);
  const std::size_t size = hash == ScramHash::sha1 ? 20 : 32;
  if (!iterations || *iterations == 0 || !salt || salt->empty() || salt->size() > salt_limit || !stored_key || !server_key ||
      stored_key->size() != size || server_key->size() != size) {
    return std::nullopt;
  }
  return ScramSecret{static_cast<std::uint32_t>(*iterations), std::move(*salt), std::move(*stored_key), std::move(*server_key)};
}

// "$1$SALT$ROUNDS$HEX", with SHA-1.
struct Pbkdf2 {
  std::string_view salt;
  std::uint32_t rounds;
  std::string hash;
};
std::optional<Pbkdf2> parse_pbkdf2(std::string_view text) {
  const auto parts = ascii::split(text, "$");
  if (parts.size() != 4 || parts[0] != "1" || !text.starts_with('$')) return std::nullopt;
  const auto rounds = ascii::parse_number(parts[2], iterations_limit);
  auto hash = decode_hex(parts[3]);
  if (!rounds || *rounds == 0 || !hash || hash->size() != 20) return std::nullopt;
  return Pbkdf2{parts[1], static_cast<std::uint32_t>(*rounds), std::move(*hash)};
}

// The memory that "$argon2id$v=19$m=65536,t=3,p=1$..." wants.
bool is_modest_argon2(std::string_view text) {
  const std::size_t at = text.find("$m=");
  if (at == std::string_view::npos) return false;
  const std::string_view digits = text.substr(at + 3);
  return ascii::parse_number(digits.substr(0, digits.find_first_not_of("0123456789")), argon2_memory_limit).has_value();
}

Result<bool> verify_crypt(const std::string& hash, const std::string& password) {
  // 32 KiB: not for a fiber's stack.
  const auto data = std::make_unique<crypt_data>();
  const char* const made = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  // A locked account ("!", "*") has a hash that nothing makes.
  if (hash.empty() || hash.starts_with('!') || hash.starts_with('*')) return false;
  if (made == nullptr || made[0] == '*') return base::fail("crypt(3) does not know this kind of hash");
  return equal_in_constant_time(made, hash);
}

}  // namespace

struct StoredPassword::Scheme {
  std::string_view name;
  Kind kind;
  const char* algorithm;
  std::size_t digest_size;   // of a digest, without its salt
  bool is_salted;
};

const StoredPassword::Scheme* StoredPassword::find_scheme(std::string_view name) {
  static constexpr Scheme schemes[] = {
      {"PLAIN", Kind::plain, "", 0, false},          {"CLEAR", Kind::plain, "", 0, false},
      {"CLEARTEXT", Kind::plain, "", 0, false},      {"CRYPT", Kind::crypt, "", 0, false},
      {"DES-CRYPT", Kind::crypt, "", 0, false},      {"MD5-CRYPT", Kind::crypt, "", 0, false},
      {"SHA256-CRYPT", Kind::crypt, "", 0, false},   {"SHA512-CRYPT", Kind::crypt, "", 0, false},
      {"BLF-CRYPT", Kind::crypt, "", 0, false},      {"ARGON2I", Kind::argon2, "", 0, false},
      {"ARGON2ID", Kind::argon2, "", 0, false},      {"PLAIN-MD5", Kind::digest, "MD5", 16, false},
      {"LDAP-MD5", Kind::digest, "MD5", 16, false},  {"SMD5", Kind::digest, "MD5", 16, true},
      {"SHA", Kind::digest, "SHA1", 20, false},      {"SHA1", Kind::digest, "SHA1", 20, false},
      {"SSHA", Kind::digest, "SHA1", 20, true},      {"SHA256", Kind::digest, "SHA256", 32, false},
      {"SSHA256", Kind::digest, "SHA256", 32, true}, {"SHA512", Kind::digest, "SHA512", 64, false},
      {"SSHA512", Kind::digest, "SHA512", 64, true}, {"PBKDF2", Kind::pbkdf2, "", 0, false},
      {"SCRAM-SHA-1", Kind::scram_sha1, "", 0, false}, {"SCRAM-SHA-256", Kind::scram_sha256, "", 0, false},
  };
  const auto* const found = std::ranges::find_if(schemes, [&](const Scheme& one) { return ascii::equal_ignoring_case(one.name, name); });
  return found == std::end(schemes) ? nullptr : found;
}

Result<StoredPassword> StoredPassword::parse(std::string_view text) {
  std::string_view name = "CRYPT";
  std::string_view data = text;
  if (const std::size_t end = text.find('}'); text.starts_with('{') && end != std::string_view::npos) {
    name = text.substr(1, end - 1);
    data = text.substr(end + 1);
  }
  // "{SSHA.HEX}" says how the bytes are written.
  const std::size_t dot = name.find('.');
  const std::string_view encoding = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  const Scheme* const scheme = find_scheme(name.substr(0, dot));
  if (scheme == nullptr) return base::fail(fmt::format("unknown password scheme {}", name));
  const auto bad = [&] { return base::fail(fmt::format("what follows {{{}}} is no such password", name)); };
  const bool wants_hex = ascii::equal_ignoring_case(encoding, "HEX");
  if (!encoding.empty() && !wants_hex && !ascii::equal_ignoring_case(encoding, "B64") && !ascii::equal_ignoring_case(encoding, "BASE64")) {
    return bad();
  }
  if (scheme->kind != Kind::digest) {
    std::optional<std::string> decoded{std::string(data)};
    if (!encoding.empty()) decoded = wants_hex ? decode_hex(data) : base::decode_base64(data);
    if (!decoded) return bad();
    StoredPassword out(scheme->kind, scheme->algorithm, std::move(*decoded));
    const bool is_good = (out.kind_ != Kind::pbkdf2 || parse_pbkdf2(out.data_)) && (out.kind_ != Kind::argon2 || is_modest_argon2(out.data_)) &&
                         (out.kind_ != Kind::scram_sha1 || parse_scram(out.data_, ScramHash::sha1)) &&
                         (out.kind_ != Kind::scram_sha256 || parse_scram(out.data_, ScramHash::sha256));
    if (!is_good) return bad();
    return out;
  }
  // Hexadecimal where the length says so, as for PLAIN-MD5; else base64.
  const bool is_hex = wants_hex || (encoding.empty() && !scheme->is_salted && data.size() == 2 * scheme->digest_size);
  auto bytes = is_hex ? decode_hex(data) : base::decode_base64(data);
  const bool fits = bytes && (scheme->is_salted ? bytes->size() > scheme->digest_size && bytes->size() <= scheme->digest_size + salt_limit
                                                : bytes->size() == scheme->digest_size);
  if (!fits) return bad();
  return StoredPassword(Kind::digest, scheme->algorithm, std::move(*bytes));
}

Result<bool> StoredPassword::verify(std::string_view password) const {
  // No password is, for C, what is left of it before a NUL.
  if (password.contains('\0')) return false;
  const std::string text(password);
  switch (kind_) {
    // An empty field is a password that nobody has set.
    case Kind::plain: return !data_.empty() && equal_in_constant_time(data_, text);
    case Kind::crypt: return verify_crypt(data_, text);
    case Kind::argon2: {
      const argon2_type type = data_.starts_with("$argon2id$") ? Argon2_id : Argon2_i;
      const int code = ::argon2_verify(data_.c_str(), text.data(), text.size(), type);
      if (code != ARGON2_OK && code != ARGON2_VERIFY_MISMATCH) return base::fail(::argon2_error_message(code));
      return code == ARGON2_OK;
    }
    case Kind::digest: {
      const auto size = static_cast<std::size_t>(EVP_MD_get_size(EVP_get_digestbyname(algorithm_)));
      const std::string_view hash = std::string_view(data_).substr(0, size);
      const std::string_view salt = std::string_view(data_).substr(size);
      return equal_in_constant_time(digest(algorithm_, fmt::format("{}{}", text, salt)), hash);
    }
    case Kind::pbkdf2: {
      const auto parts = parse_pbkdf2(data_);
      return parts && equal_in_constant_time(pbkdf2("SHA1", text, parts->salt, parts->rounds), parts->hash);
    }
    case Kind::scram_sha1:
    case Kind::scram_sha256: break;
  }
  // RFC 5802 section 3, without its normalization of what is no ASCII: a password of ASCII is as it was.
  const ScramHash hash = kind_ == Kind::scram_sha1 ? ScramHash::sha1 : ScramHash::sha256;
  const auto secret = scram(hash);
  return secret && equal_in_constant_time(scram_secret(hash, text, secret->salt, secret->iterations).stored_key, secret->stored_key);
}

ScramSecret scram_secret(ScramHash hash, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const char* const algorithm = algorithm_of(hash);
  const std::string salted = pbkdf2(algorithm, password, salt, iterations);
  return {iterations, std::string(salt), digest(algorithm, hmac(algorithm, salted, "Client Key")), hmac(algorithm, salted, "Server Key")};
}

std::optional<std::string_view> StoredPassword::plain() const {
  return kind_ == Kind::plain ? std::optional<std::string_view>(data_) : std::nullopt;
}

std::optional<ScramSecret> StoredPassword::scram(ScramHash hash) const {
  if (kind_ != (hash == ScramHash::sha1 ? Kind::scram_sha1 : Kind::scram_sha256)) return std::nullopt;
  return parse_scram(data_, hash);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace auth
