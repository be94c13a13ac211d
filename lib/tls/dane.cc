#include "lib/tls/dane.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <openssl/err.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/tls/raw_keys.h"

namespace tls {
namespace {

// Matching types (RFC 6698 section 2.1.3) that have a digest by which everybody knows them.
struct Digest {
  std::string_view name;
  int type;
};
constexpr std::array digests{Digest{"sha256", 1}, Digest{"sha512", 2}};

constexpr int type_limit = 255;
constexpr int usage_authority = 2;   // DANE-TA

// One word of the list, "sha512" or "sha384=9". None: it is wrong, which is logged.
std::optional<Digest> read_digest(std::string_view word) {
  const std::size_t equals = word.find('=');
  Digest digest{word.substr(0, equals), 0};
  if (equals == std::string_view::npos) {
    for (const Digest& known : digests) {
      if (ascii::equal_ignoring_case(known.name, digest.name)) return known;
    }
    maillog::warning("tls_dane_digests: digest algorithm {} needs an explicit number", digest.name);
    return std::nullopt;
  }
  const std::string_view number = word.substr(equals + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), digest.type);
  if (error != std::errc() || end != number.data() + number.size() || digest.type < 0 || digest.type > type_limit) {
    maillog::warning("Invalid matching type number in tls_dane_digests: {}", word);
    return std::nullopt;
  }
  if (digest.type == 0) {
    maillog::warning("Reserved matching type number in tls_dane_digests: {}", word);
    return std::nullopt;
  }
  for (const Digest& known : digests) {
    if (known.type != digest.type || ascii::equal_ignoring_case(known.name, digest.name)) continue;
    maillog::warning("tls_dane_digests: matching type {} can only be {}", known.type, known.name);
    return std::nullopt;
  }
  return digest;
}

std::string text_of(int usage, int selector, int matching, std::span<const unsigned char> data) {
  std::string text = fmt::format("{} {} {} ", usage, selector, matching);
  for (const unsigned char byte : data) text += fmt::format("{:02X}", byte);
  return text;
}

std::vector<std::size_t> add_records(SSL* ssl, std::span<const DaneRecord> records) {
  std::vector<std::size_t> unusable;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const DaneRecord& record = records[i];
    const auto* const data = reinterpret_cast<const unsigned char*>(record.data.data());
    // OpenSSL 3.0 takes the data by a pointer that is not const, and does not write to it.
    const int added = SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching, const_cast<unsigned char*>(data), record.data.size());
    if (added <= 0) unusable.push_back(i);
  }
  // Of a record that makes no sense the library leaves a word; it is the record's fault.
  ERR_clear_error();
  return unusable;
}

}  // namespace

std::string DaneRecord::text() const {
  return text_of(usage, selector, matching, std::span(reinterpret_cast<const unsigned char*>(data.data()), data.size()));
}

Result<void> use_dane_digests(SSL_CTX* context, std::string_view list) {
  if (SSL_CTX_dane_enable(context) != 1) return base::fail("cannot enable DANE TLSA support");
  // Whose certificate is the record's own may have any name and any age (RFC 7672 section 3.1.1).
  SSL_CTX_dane_set_flags(context, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  for (const Digest& known : digests) SSL_CTX_dane_mtype_set(context, nullptr, static_cast<std::uint8_t>(known.type), 0);
  const auto words = ascii::split(list, ", \t\r\n");
  std::array<bool, type_limit + 1> is_taken{};
  int rank = std::min(static_cast<int>(words.size()), type_limit);
  for (const std::string_view word : words) {
    const auto digest = read_digest(word);
    if (!digest) continue;
    const EVP_MD* const algorithm = EVP_get_digestbyname(std::string(digest->name).c_str());
    if (algorithm == nullptr) {
      maillog::warning("tls_dane_digests: digest algorithm \"{}\"({}) unknown", digest->name, digest->type);
      continue;
    }
    const auto type = static_cast<std::size_t>(digest->type);
    if (is_taken[type]) {
      maillog::warning("tls_dane_digests: matching type {} specified more than once", digest->type);
      continue;
    }
    is_taken[type] = true;
    const auto order = static_cast<std::uint8_t>(std::max(rank--, 1));
    if (SSL_CTX_dane_mtype_set(context, algorithm, static_cast<std::uint8_t>(type), order) != 1) {
      return base::fail(fmt::format("cannot use the digest \"{}\" of tls_dane_digests", word));
    }
  }
  return {};
}

Result<std::vector<std::size_t>> use_dane(SSL* ssl, const std::string& name, std::span<const DaneRecord> records) {
  if (SSL_dane_enable(ssl, name.c_str()) <= 0) return base::fail("cannot enable DANE TLSA validation");
  return add_records(ssl, records);
}

Result<std::vector<std::size_t>> use_anchors(SSL* ssl, std::span<const DaneRecord> anchors) {
  if (SSL_dane_enable(ssl, nullptr) <= 0) return base::fail("cannot enable DANE TLSA validation");
  SSL_dane_clear_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  return add_records(ssl, anchors);
}

std::string dane_match(SSL* ssl) {
  const int depth = SSL_get0_dane_authority(ssl, nullptr, nullptr);
  const bool is_raw = peer_raw_key(ssl) != nullptr;
  if (depth < 0) return {};
  std::uint8_t usage = 0, selector = 0, matching = 0;
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  SSL_get0_dane_tlsa(ssl, &usage, &selector, &matching, &data, &size);
  if (is_raw) return "raw public key: " + text_of(usage, selector, matching, std::span(data, size));
  return fmt::format("{} certificate at depth {}: {}", usage == usage_authority ? "TA" : "EE", depth,
                     text_of(usage, selector, matching, std::span(data, size)));
}

}  // namespace tls
