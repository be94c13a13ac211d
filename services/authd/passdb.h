#pragma once
// Where passwords are known: the sources of auth_passdb, in order. Asked from a fiber; what blocks runs on the pool.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/auth/password.h"
#include "lib/base/error.h"
#include "lib/server/service.h"

namespace authd {

// What a mechanism needs of a source.
enum class Needs {
  check,    // "is this the password?": every source can say
  plain,    // the password itself
  secret,   // the password, or a secret for SCRAM
  token,    // no password, but oauthd(8)
};

struct Asker {
  std::string_view service, client_address;
};

enum class Verdict { right, wrong, unknown_user };

class PasswordSource {
 public:
  PasswordSource() = default;
  PasswordSource(const PasswordSource&) = delete;
  PasswordSource& operator=(const PasswordSource&) = delete;
  virtual ~PasswordSource() = default;

  // The error: nobody can tell now.
  [[nodiscard]] virtual Result<Verdict> check(const std::string& user, const std::string& password, const Asker& asker) = 0;
  // What is stored for a user; none: there is no such user here, or nothing that may be given out.
  [[nodiscard]] virtual Result<std::optional<auth::StoredPassword>> stored(const std::string& user, const Asker& asker) = 0;
  // Whether some of its users may have what is needed.
  [[nodiscard]] virtual bool serves(Needs needs) const { return needs == Needs::check; }
};

class Passdb {
 public:
  // `value` is auth_passdb, `pam_service` auth_pam_service. The error: a source that is none, or cannot be reached at all.
  static Result<Passdb> open(server::Startup& startup, std::string_view value, std::string_view pam_service);
  explicit Passdb(std::vector<std::unique_ptr<PasswordSource>> sources) : sources_(std::move(sources)) {}

  // The first source that says right decides; else, if one could not tell, its error.
  [[nodiscard]] Result<Verdict> check(const std::string& user, const std::string& password, const Asker& asker);
  // The first that has something stored which is a password, or with `hash` a secret.
  [[nodiscard]] Result<std::optional<auth::StoredPassword>> find(const std::string& user, std::optional<auth::ScramHash> hash,
                                                                 const Asker& asker);
  [[nodiscard]] bool serves(Needs needs) const;

 private:
  std::vector<std::unique_ptr<PasswordSource>> sources_;
};

std::unique_ptr<PasswordSource> make_pam(std::string service);
std::unique_ptr<PasswordSource> make_shadow();
Result<std::unique_ptr<PasswordSource>> make_passwd_file(const std::string& path);
Result<std::unique_ptr<PasswordSource>> make_map(server::Startup& startup, const std::string& type_and_table);

}  // namespace authd
