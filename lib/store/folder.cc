#include "lib/store/folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/store/names.h"

namespace store {
namespace {

constexpr std::int64_t tick_nanoseconds = 20'000'000;  // the coarsest clock that file systems stamp by
constexpr std::string_view validity_file = "dovecot-uidvalidity";

Fd open_below(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

Result<void> make_one(const Fd& parent, const std::string& name, const std::string& path) {
  if (::mkdirat(parent.get(), name.c_str(), folder_mode) != 0) {
    if (errno == EEXIST) return {};
    return base::fail_system("make directory " + path);
  }
  if (::fsync(parent.get()) != 0) return base::fail_system("fsync the directory of " + path);
  return {};
}

// The root is the site's business: links are followed, and missing parents are made.
Result<Fd> make_root(const std::string& root) {
  Fd directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory || errno != ENOENT) return directory ? Result<Fd>(std::move(directory)) : base::fail_system("open " + root);
  const std::size_t slash = root.rfind('/');
  const Fd parent = TRY(make_root(slash == 0 || slash == std::string::npos ? "/" : root.substr(0, slash)));
  TRY(make_one(parent, root.substr(slash + 1), root));
  directory = Fd(::openat(parent.get(), root.substr(slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return base::fail_system("open " + root);
  return directory;
}

std::string temporary_name(const std::string& name) { return fmt::format("{}.{}.tmp", name, ::getpid()); }

}  // namespace

Places places_of(std::string_view name, const Location& location) {
  const bool is_inbox = name == inbox_name;
  Places places;
  if (is_inbox) {
    places.mail = {location.inbox, {}};
  } else {
    places.mail = {location.root, disk_name(name, location)};
  }
  const bool is_mbox = location.kind == Location::Kind::mbox;
  const std::string kept = !is_inbox ? places.mail.below : location.layout == Location::Layout::maildir_plus_plus ? ".INBOX" : "INBOX";
  places.roots = {location.control.empty() ? location.root : location.control, {}};
  if (!location.control.empty()) {
    places.control = {location.control, kept};
  } else if (is_mbox) {
    const std::size_t slash = kept.rfind('/');
    places.control = {location.root, slash == std::string::npos ? ".imap/" + kept : kept.substr(0, slash) + "/.imap" + kept.substr(slash)};
    places.roots.below = ".imap";
  } else {
    places.control = places.mail;
  }
  if (location.index == "MEMORY") {
    places.index = {};
  } else if (!location.index.empty()) {
    places.index = {location.index, kept};
  } else {
    places.index = places.control;
  }
  return places;
}

Result<Fd> open_directory(const Place& place, int access) {
  Fd root(::open(place.root.c_str(), (place.below.empty() ? access : O_PATH) | O_DIRECTORY | O_CLOEXEC));
  if (!root) return base::fail_system("open " + place.root);
  if (place.below.empty()) return root;
  Fd directory = open_below(root.get(), place.below, access | O_DIRECTORY);
  if (!directory) return base::fail_system("open " + place.path());
  return directory;
}

Result<Fd> make_directory(const Place& place) {
  if (auto found = open_directory(place); found || found.error().code() != ENOENT) return found;
  Fd directory = TRY(make_root(place.root));
  std::string path = place.root;
  for (const std::string_view part : ascii::split(place.below, "/")) {
    const std::string name(part);
    path += "/" + name;
    TRY(make_one(directory, name, path));
    Fd next = open_below(directory.get(), name, O_RDONLY | O_DIRECTORY);
    if (!next) return base::fail_system("open " + path);
    directory = std::move(next);
  }
  return directory;
}

Result<Fd> open_in(const Fd& directory, const std::string& name, int flags, mode_t mode, std::uint64_t* size) {
  Fd file(::openat(directory.get(), name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode));
  if (!file) return base::fail_system("open " + name);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return base::fail_system("fstat " + name);
  if (!S_ISREG(status.st_mode)) return base::Failure(base::Error::system("open " + name, ENXIO));
  if (size != nullptr) *size = static_cast<std::uint64_t>(status.st_size);
  return file;
}

Result<std::optional<std::string>> read_in(const Fd& directory, const std::string& name, std::size_t limit) {
  std::uint64_t size = 0;
  const auto file = open_in(directory, name, O_RDONLY, file_mode, &size);
  if (!file && file.error().code() == ENOENT) return std::optional<std::string>{};
  if (!file) return base::Failure(file.error());
  if (size > limit) return base::Failure(base::Error::system("read " + name, EFBIG));
  // Others may append meanwhile: what is there at the beginning is a whole.
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t count = ::pread(file->get(), text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (count < 0 && errno != EINTR) return base::fail_system("read " + name);
    if (count == 0) break;
    have += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  text.resize(have);
  return std::optional(std::move(text));
}

Result<void> write_fully(const Fd& file, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return base::fail_system("write " + what);
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> replace_in(const Fd& directory, const std::string& name, std::string_view bytes, Durable durable) {
  const std::string draft = temporary_name(name);
  ::unlinkat(directory.get(), draft.c_str(), 0);  // of a process that died
  const auto failed = [&](base::Error error) {
    ::unlinkat(directory.get(), draft.c_str(), 0);
    return base::Failure(std::move(error));
  };
  const Fd file = TRY(open_in(directory, draft, O_CREAT | O_EXCL | O_WRONLY));
  if (auto written = write_fully(file, bytes, draft); !written) return failed(written.error());
  if (durable == Durable::yes && ::fdatasync(file.get()) != 0) return failed(base::Error::system("fsync " + draft));
  if (::renameat(directory.get(), draft.c_str(), directory.get(), name.c_str()) != 0) return failed(base::Error::system("rename " + draft));
  if (durable == Durable::yes && ::fsync(directory.get()) != 0) return base::fail_system("fsync the directory of " + name);
  return {};
}

FileMark mark_of(const struct stat& status) {
  return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino, S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0};
}

FileMark mark_of(const Fd& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 ? mark_of(status) : FileMark{};
}

FileMark mark_in(const Fd& directory, const std::string& name) {
  struct stat status {};
  return ::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 ? mark_of(status) : FileMark{};
}

bool is_settled(const FileMark& mark) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t age = (now.tv_sec - mark.seconds) * 1'000'000'000 + now.tv_nsec - mark.nanoseconds;
  return age > tick_nanoseconds;
}

Result<std::uint32_t> new_uid_validity(const Place& roots) {
  const Fd directory = TRY(make_directory(roots));
  const std::string name(validity_file);
  std::uint32_t last = 0;
  if (const auto text = read_in(directory, name, 64); text && *text) {
    last = static_cast<std::uint32_t>(std::strtoul((*text)->c_str(), nullptr, 16));
  }
  const auto now = static_cast<std::uint32_t>(::time(nullptr));
  const std::uint32_t value = last >= now && last < UINT32_MAX ? last + 1 : now;
  // Dovecot keeps the value in a file's name too, which a second process cannot make once more.
  const std::string old_name = fmt::format("{}.{:08x}", validity_file, last), new_name = fmt::format("{}.{:08x}", validity_file, value);
  if (::renameat2(directory.get(), old_name.c_str(), directory.get(), new_name.c_str(), RENAME_NOREPLACE) != 0) {
    static_cast<void>(open_in(directory, new_name, O_CREAT | O_EXCL | O_RDONLY, 0444).has_value());
  }
  TRY(replace_in(directory, name, fmt::format("{:08x}", value), Durable::no));
  return value;
}

std::string new_mailbox_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    const timespec now = [] {
      timespec value{};
      ::clock_gettime(CLOCK_REALTIME, &value);
      return value;
    }();
    return fmt::format("{:016x}{:016x}", now.tv_sec, now.tv_nsec);
  }
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace store
