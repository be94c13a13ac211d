#pragma once
// openssl(1), which makes keys, certificates and digests for "postfix tls".

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/postfix/actions.h"
#include "lib/base/error.h"

namespace postfix {

enum class KeyKind { rsa, ecdsa };

class OpenSsl {
 public:
  // openssl_path of the primary instance. The error: there is none that works.
  static Result<OpenSsl> find(const Context& context);

  // A new private key, PEM. `bits`: of an RSA key, or the curve's name; empty: as is usual.
  [[nodiscard]] Result<std::string> new_key(KeyKind kind, const std::string& bits) const;
  // A certificate for these hosts that vouches for itself, PEM; good for a hundred years.
  [[nodiscard]] Result<std::string> certificate(const std::string& key_file, const std::vector<std::string>& hosts) const;
  // A request (CSR) for one, PEM.
  [[nodiscard]] Result<std::string> request(const std::string& key_file, const std::vector<std::string>& hosts) const;
  // None: there is no private key in the file.
  [[nodiscard]] std::optional<KeyKind> kind_of(const std::string& key_file) const;
  // Of a key, or of the first certificate in a file; PEM. None: there is no such thing.
  [[nodiscard]] std::optional<std::string> public_key(const std::string& key_file) const;
  [[nodiscard]] std::optional<std::string> public_key_of_certificate(const std::string& file) const;
  // SHA-256 of a key's public half (DER), in hexadecimal. The error: there is no private key in the file.
  [[nodiscard]] Result<std::string> digest(const std::string& key_file) const;

 private:
  OpenSsl(const Context& context, std::string path) : context_(context), path_(std::move(path)) {}
  // What it has written. The error has what it said.
  [[nodiscard]] Result<std::string> run(std::vector<std::string> arguments, std::string_view input = {}, std::string_view more = {}) const;

  const Context& context_;
  std::string path_;
};

}  // namespace postfix
