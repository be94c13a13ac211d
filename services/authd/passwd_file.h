#pragma once
// A file of users in Dovecot's passwd-file format: "user:{SCHEME}password:uid:gid:gecos:home:shell:extra". Pure.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/error.h"
#include "lib/maps/network.h"

namespace authd {

inline constexpr std::size_t passwd_file_limit = 64 * 1024 * 1024;   // bytes

struct PasswdEntry {
  std::string password;                     // as written
  std::string uid, gid, home;               // as written; may be empty
  std::string extra;                        // the extra fields, "name=value" with blanks between
  std::vector<maps::Network> allowed;       // allow_nets of the extra fields; empty: from everywhere
  bool may_log_in = true;                   // no nologin
  [[nodiscard]] bool lets_in(std::string_view address) const;
};

class PasswdFile {
 public:
  // Comments (#) and empty lines are skipped. The error names the line; no part of a password is in it.
  static Result<PasswdFile> parse(std::string_view text);
  [[nodiscard]] const PasswdEntry* find(const std::string& user) const;
  // Whether some password is stored as it is, or as a secret for SCRAM.
  [[nodiscard]] bool has_plain() const { return has_plain_; }
  [[nodiscard]] bool has_secret() const { return has_secret_; }

 private:
  std::unordered_map<std::string, PasswdEntry> entries_;
  bool has_plain_ = false, has_secret_ = false;
};

}  // namespace authd
