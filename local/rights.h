#pragma once
// With whose rights something is delivered.

#include <string>
#include <string_view>

#include "lib/mailbox/worker_pool.h"
#include "lib/process/account.h"

namespace local {

struct Rights {
  mailbox::Identity who{};
  // Known when the rights are those of a user on whose behalf mail is delivered; empty for a table's owner.
  std::string user, home, shell;
  bool named_by_root = false;  // what is delivered to stands in a file that is root's
};

[[nodiscard]] Rights rights_of(const process::Account& account);

// default_privs, which may be no privileged account.
[[nodiscard]] Result<Rights> default_rights(std::string_view default_privs, std::string_view mail_owner);

// The owner of an alias database as far as the file system can tell ("hash:/etc/aliases" is /etc/aliases.db). Root, and
// tables without a file of their own, give the default rights.
[[nodiscard]] Rights table_rights(std::string_view type_and_name, std::string_view config_directory, const Rights& otherwise);

// Is the file root's, and could nobody else have put it there? So it is when all directories on the way are root's and
// no others may write to them, and there is no link.
[[nodiscard]] bool is_of_root_alone(const std::string& path);

}  // namespace local
