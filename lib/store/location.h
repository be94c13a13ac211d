#pragma once
// Where a user's mailboxes are: the value of mail_location, in Dovecot's syntax:
//   maildir:~/Maildir[:LAYOUT=fs][:INBOX=PATH][:INDEX=PATH][:CONTROL=PATH][:UTF-8]
//   mbox:~/mail[:INBOX=/var/mail/%u][:INDEX=PATH][:CONTROL=PATH][:UTF-8]

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace store {

// What stands for %u, %n (the part before @), %d (the part after it), %h and ~.
struct Variables {
  std::string user;
  std::string home;
};

struct Location {
  enum class Kind : std::uint8_t { maildir, mbox };
  enum class Layout : std::uint8_t {
    maildir_plus_plus,  // ROOT/.A.B
    fs,                 // ROOT/A/B
  };

  Kind kind = Kind::maildir;
  Layout layout = Layout::maildir_plus_plus;
  bool utf8_names = false;  // on disk; else modified UTF-7
  std::string root;         // absolute, without '/' at the end
  std::string inbox;        // never empty
  std::string index;        // empty: beside the control files; "MEMORY": no index
  std::string control;      // empty: in the mailbox's own directory

  // Between the levels of a mailbox's name as this library's callers see it.
  [[nodiscard]] char separator() const { return layout == Layout::maildir_plus_plus ? '.' : '/'; }

  // An unknown option, a relative path, or a variable that would lead elsewhere ('/' or ".." in the user's name) is an Error.
  [[nodiscard]] static Result<Location> parse(std::string_view text, const Variables& variables);
};

// `text` with its variables in their places: for mail_index_location. "%%" is '%'.
[[nodiscard]] Result<std::string> expand(std::string_view text, const Variables& variables);

}  // namespace store
