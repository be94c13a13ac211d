#pragma once
// The directories of one mailbox, opened so that nothing below the root leads elsewhere, and small files in them.

#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/store/location.h"

namespace store {

inline constexpr mode_t folder_mode = 0700;
inline constexpr mode_t file_mode = 0600;

// A path in two parts: what the site chose, which may have symbolic links, and what is below it, which may not.
struct Place {
  std::string root;
  std::string below;  // empty: the root itself
  [[nodiscard]] std::string path() const { return below.empty() ? root : root + "/" + below; }
};

// Where a mailbox has its parts (the name has been checked).
struct Places {
  Place mail;     // a Maildir, or an mbox file
  Place control;  // dovecot-uidlist, dovecot-keywords, ...
  Place index;    // root empty: there is none
  Place roots;    // of all mailboxes: dovecot-uidvalidity, subscriptions
};
[[nodiscard]] Places places_of(std::string_view name, const Location& location);

// Opens a directory; ELOOP for a symbolic link below the root.
[[nodiscard]] Result<Fd> open_directory(const Place& place, int access = O_RDONLY);
// Makes it and its missing parents (0700).
[[nodiscard]] Result<Fd> make_directory(const Place& place);

// Files of a directory by their names in it. Never a symbolic link, never waits for a FIFO; what is no regular file is ENXIO.
// `size`: of the file, for who wants to know it.
[[nodiscard]] Result<Fd> open_in(const Fd& directory, const std::string& name, int flags, mode_t mode = file_mode, std::uint64_t* size = nullptr);
// None: there is no such file.
[[nodiscard]] Result<std::optional<std::string>> read_in(const Fd& directory, const std::string& name, std::size_t limit);
enum class Durable : std::uint8_t { no, yes };
// In place of what is there, or the old one stays.
[[nodiscard]] Result<void> replace_in(const Fd& directory, const std::string& name, std::string_view bytes, Durable durable);
[[nodiscard]] Result<void> write_fully(const Fd& file, std::string_view bytes, const std::string& what);

// By which a change of a file or directory is noticed. A change within the clock's last ticks before the look could be
// followed by another that looks the same: then is_settled is false, and it is to be looked at again.
struct FileMark {
  std::int64_t seconds = 0, nanoseconds = 0;
  std::uint64_t inode = 0, size = 0;
  bool operator==(const FileMark&) const = default;
};
[[nodiscard]] FileMark mark_of(const struct stat& status);
[[nodiscard]] FileMark mark_of(const Fd& file);
[[nodiscard]] FileMark mark_in(const Fd& directory, const std::string& name);  // all 0: there is none
[[nodiscard]] bool is_settled(const FileMark& mark);

// A new UIDVALIDITY: the time, but larger than any that was given in this tree. Noted in dovecot-uidvalidity as Dovecot does.
[[nodiscard]] Result<std::uint32_t> new_uid_validity(const Place& roots);
// 32 hexadecimal digits that no other mailbox has.
[[nodiscard]] std::string new_mailbox_id();

}  // namespace store
