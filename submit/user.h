#pragma once
// The user who hands in a message.

#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/config/main_cf.h"

namespace submit {

struct User {
  uid_t uid = 0;
  std::string name;       // "unknown" where the user database has none
  std::string full_name;  // the first part of the gecos field, '&' replaced by the name; or $NAME
  bool has_name = false;  // the user database has him
};

// Who runs this process.
[[nodiscard]] User current_user();

// "&" stands for the capitalized login name, as in the old gecos convention; what follows a comma is no name.
[[nodiscard]] std::string full_name_of(std::string_view gecos, std::string_view login);

// Holds authorized_submit_users. The error's message is "User NAME(UID) is not allowed to submit mail".
[[nodiscard]] Result<void> may_submit(const config::Main& main, const User& user, std::string_view authorized);

}  // namespace submit
