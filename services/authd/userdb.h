#pragma once
// Where users have their mailboxes: the sources of auth_userdb, in order. Asked from a fiber; what blocks runs on the pool.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/server/service.h"

namespace authd {

struct Mailbox {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
  std::string mail;   // where the mailbox is, if the source says; else the mailbox programs' own settings do
  std::string quota_rule = {};   // how much may be in it, likewise
};

// Fields as they are written: what a source says of a user, before it is a Mailbox.
struct MailboxFields {
  std::string uid, gid, home, mail, quota_rule = {};   // uid and gid: numbers or names
};

// "uid=vmail gid=vmail home=/var/vmail/%d/%n": each word sets a field; `prefix` before a name ("userdb_") may be needed. Words
// that are none of ours are skipped where `skips_others`, else they are an error.
[[nodiscard]] Result<void> read_fields(std::string_view text, std::string_view prefix, bool skips_others, MailboxFields& into);

// The error: incomplete, root's, or a home directory that is none. %u, %n and %d stand in home and mail for the user's name, as in
// auth_username_format; one with a "/" in it, or that is "." or "..", is in no path.
[[nodiscard]] Result<Mailbox> mailbox_of(const MailboxFields& fields, std::string_view user);

class UserSource {
 public:
  UserSource() = default;
  UserSource(const UserSource&) = delete;
  UserSource& operator=(const UserSource&) = delete;
  virtual ~UserSource() = default;
  // None: not known here. The error: nobody can tell now.
  [[nodiscard]] virtual Result<std::optional<Mailbox>> find(const std::string& user) = 0;
};

class Userdb {
 public:
  // `value` is auth_userdb. The error: a source that is none, or cannot be reached at all.
  static Result<Userdb> open(server::Startup& startup, std::string_view value);
  explicit Userdb(std::vector<std::unique_ptr<UserSource>> sources) : sources_(std::move(sources)) {}

  // The first source that knows him decides. One that cannot be asked ends the search: a user of its own must not get another's mailbox.
  [[nodiscard]] Result<std::optional<Mailbox>> find(const std::string& user);

 private:
  std::vector<std::unique_ptr<UserSource>> sources_;
};

}  // namespace authd
