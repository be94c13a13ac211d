#include "lib/tls/trust_anchors.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/tls/openssl.h"

namespace tls {
namespace {

constexpr std::uint8_t usage_authority = 2, usage_server = 3;          // RFC 6698 section 2.1.1
constexpr std::uint8_t whole_certificate = 0, only_key = 1, in_full = 0;

// Each counts as an authority's, wherever it stands in the chain, and as the server's own.
void add(std::vector<DaneRecord>& anchors, std::uint8_t selector, std::string_view der) {
  for (const std::uint8_t usage : {usage_server, usage_authority}) {
    anchors.push_back({.usage = usage, .selector = selector, .matching = in_full, .data = std::string(der)});
  }
}

Result<void> read_file(const std::string& path, std::vector<DaneRecord>& anchors) {
  errno = 0;
  const BioPtr file(BIO_new_file(path.c_str(), "r"));
  if (!file) {
    const int code = errno;
    ERR_clear_error();
    return base::fail(fmt::format("error opening trust anchor file: {}: {}", path, std::strerror(code)), code);
  }
  const std::size_t before = anchors.size();
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  while (PEM_read_bio(file.get(), &name, &header, &data, &size) == 1) {
    using Owner = std::unique_ptr<void, decltype([](void* memory) { OPENSSL_free(memory); })>;
    const Owner owners[] = {Owner(name), Owner(header), Owner(data)};
    const std::string_view kind = name, der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    if (kind == PEM_STRING_X509 || kind == PEM_STRING_X509_OLD) add(anchors, whole_certificate, der);
    else if (kind == PEM_STRING_PUBLIC) add(anchors, only_key, der);
    // Whatever else there is vouches for nobody.
  }
  const bool is_over = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_over) return base::fail(fmt::format("error reading trust anchor file: {}: bad PEM", path));
  if (anchors.size() == before) return base::fail(fmt::format("no certificate or public key in trust anchor file: {}", path));
  return {};
}

}  // namespace

Result<std::vector<DaneRecord>> read_trust_anchors(const std::vector<std::string>& files) {
  std::vector<DaneRecord> anchors;
  for (const std::string& path : files) TRY(read_file(path, anchors));
  return anchors;
}

}  // namespace tls
