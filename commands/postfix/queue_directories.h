#pragma once
// The directories of the queue, as Debian's package has them.

#include <array>
#include <string_view>

#include <sys/types.h>

namespace postfix {

enum class Owner { root, mail };
enum class Group { root, mail, setgid };

struct Directory {
  std::string_view name;
  mode_t mode;
  Owner owner;
  Group group;
};
inline constexpr std::array queue_directories{
    Directory{"active", 0700, Owner::mail, Group::root},    Directory{"bounce", 0700, Owner::mail, Group::root},
    Directory{"corrupt", 0700, Owner::mail, Group::root},   Directory{"defer", 0700, Owner::mail, Group::root},
    Directory{"deferred", 0700, Owner::mail, Group::root},  Directory{"flush", 0700, Owner::mail, Group::root},
    Directory{"hold", 0700, Owner::mail, Group::root},      Directory{"incoming", 0700, Owner::mail, Group::root},
    Directory{"private", 0700, Owner::mail, Group::root},   Directory{"saved", 0700, Owner::mail, Group::root},
    Directory{"trace", 0700, Owner::mail, Group::root},     Directory{"maildrop", 01730, Owner::mail, Group::setgid},
    Directory{"public", 02710, Owner::mail, Group::setgid}, Directory{"pid", 0755, Owner::root, Group::root},
    Directory{"tlstrace", 0700, Owner::mail, Group::root},
};

}  // namespace postfix
