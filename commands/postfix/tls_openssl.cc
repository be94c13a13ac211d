#include "commands/postfix/tls_openssl.h"

#include <utility>

#include <fmt/format.h>

#include "commands/postfix/programs.h"
#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"

namespace postfix {
namespace {

constexpr int certificate_days = 36'525;   // a hundred years

// What a certificate says of itself; openssl(1) wants it as a file.
std::string extensions(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts) names += fmt::format("{}DNS:{}", names.empty() ? "" : ", ", host);
  return fmt::format(
      "[req]\nprompt = no\ndistinguished_name = none\n[none]\n"
      "[request]\nsubjectKeyIdentifier = hash\nextendedKeyUsage = serverAuth, clientAuth\nsubjectAltName = {0}\n"
      "[certificate]\nbasicConstraints = CA:FALSE\nsubjectKeyIdentifier = hash\nextendedKeyUsage = serverAuth, clientAuth\nsubjectAltName = {0}\n",
      names);
}

// The parameter is read where all instances have the same.
Result<std::string> openssl_path(const Context& context) {
  if (!context.is_secondary) return context.params.openssl_path;
  const config::Main primary = TRY(config::Main::read(std::string(config::default_directory)));
  return primary.string("openssl_path");
}

}  // namespace

Result<OpenSsl> OpenSsl::find(const Context& context) {
  const std::string name = TRY(openssl_path(context));
  const auto path = find_program(name);
  if (path) {
    OpenSsl found(context, *path);
    if (found.run({"version"})) return found;
  }
  return base::fail(fmt::format("No working openssl(1) command found with 'openssl_path = {}'", name));
}

Result<std::string> OpenSsl::run(std::vector<std::string> arguments, std::string_view input, std::string_view more) const {
  arguments.insert(arguments.begin(), path_);
  Output output = TRY(run_and_read(context_, arguments, input, more));
  if (!output.is_good) return base::fail(std::string(ascii::trim(output.err)));
  return std::move(output.out);
}

Result<std::string> OpenSsl::new_key(KeyKind kind, const std::string& bits) const {
  if (kind == KeyKind::rsa) return run({"genrsa", bits.empty() ? "2048" : bits});
  // What others call secp256r1 is prime256v1 to it.
  return run({"ecparam", "-name", bits.empty() || bits == "secp256r1" ? "prime256v1" : bits, "-genkey"});
}

Result<std::string> OpenSsl::certificate(const std::string& key_file, const std::vector<std::string>& hosts) const {
  return run({"req", "-x509", "-new", "-sha256", "-key", key_file, "-days", std::to_string(certificate_days), "-subj", "/CN=" + hosts.front(),
              "-extensions", "certificate", "-config", extra_input}, {}, extensions(hosts));
}

Result<std::string> OpenSsl::request(const std::string& key_file, const std::vector<std::string>& hosts) const {
  return run({"req", "-new", "-sha256", "-key", key_file, "-subj", "/", "-reqexts", "request", "-config", extra_input}, {}, extensions(hosts));
}

std::optional<KeyKind> OpenSsl::kind_of(const std::string& key_file) const {
  if (run({"rsa", "-in", key_file, "-noout"})) return KeyKind::rsa;
  if (run({"ec", "-in", key_file, "-noout"})) return KeyKind::ecdsa;
  return std::nullopt;
}

std::optional<std::string> OpenSsl::public_key(const std::string& key_file) const {
  auto key = run({"pkey", "-in", key_file, "-pubout"});
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

std::optional<std::string> OpenSsl::public_key_of_certificate(const std::string& file) const {
  auto key = run({"x509", "-in", file, "-noout", "-pubkey"});
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

Result<std::string> OpenSsl::digest(const std::string& key_file) const {
  const auto der = run({"pkey", "-in", key_file, "-pubout", "-outform", "DER"});
  if (!der) return base::fail("no private key found in file: " + key_file);
  // "SHA2-256(stdin)= 0b9f..."
  const std::string text = TRY(run({"dgst", "-sha256", "-hex"}, *der));
  return std::string(ascii::trim(std::string_view(text).substr(text.rfind(' ') + 1)));
}

}  // namespace postfix
