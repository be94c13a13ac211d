#pragma once
// Which envelope senders a local user may give: local_login_sender_maps.

#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/config/main_cf.h"
#include "lib/mail/address.h"
#include "submit/user.h"

namespace postdrop {

// What main.cf says of it.
struct LoginSenderRules {
  std::string maps;              // local_login_sender_maps: patterns by login name
  std::string empty_address;     // the pattern that allows the null sender
  mail::Delimiters delimiters;
};

// Whether one of the patterns (separated by comma or blanks) allows the sender: "*" any, "@domain" any of that domain, the
// rules' empty_address the null sender, else the address itself; case and the sender's extension do not count.
[[nodiscard]] bool allows(std::string_view patterns, std::string_view sender, const LoginSenderRules& rules);

// The patterns of one user; none where no table has him. Looked up once, by login name, or as "uid:NUMBER" where the user
// database has no name. An Error is a table
// that is no table; `lookup_failed` (which has been logged) is one that did not answer.
struct AllowedSenders {
  std::string patterns;
  bool lookup_failed = false;
};
[[nodiscard]] Result<AllowedSenders> allowed_senders(const config::Main& main, const submit::User& user, const LoginSenderRules& rules);

}  // namespace postdrop
