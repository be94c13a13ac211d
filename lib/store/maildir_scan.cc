#include "lib/store/maildir_scan.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/store/file_name.h"
#include "lib/store/index_file.h"

namespace store {
namespace {

constexpr std::size_t buffer_size = 256 * 1024;
constexpr int scan_tries = 4;
constexpr std::size_t name_size_max = 255;

// As the kernel's getdents64 gives them. Of our own, since readdir(3) copies each name and asks for 32 kB at a time.
struct RawEntry {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
};
constexpr std::size_t raw_name = 19;

}  // namespace

Result<void> MaildirScan::list(const Fd& directory, bool in_new) {
  const Fd reading(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!reading) return base::fail_system("open maildir directory");
  const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_size);
  for (;;) {
    const long got = ::syscall(SYS_getdents64, reading.get(), buffer.get(), buffer_size);
    if (got < 0) return base::fail_system("read maildir directory");
    if (got == 0) return {};
    for (long at = 0; at < got;) {
      const char* const raw = buffer.get() + at;
      RawEntry entry{};
      std::memcpy(&entry, raw, raw_name);
      at += entry.length;
      const char* const name = raw + raw_name;
      if (name[0] == '.' || (entry.type != DT_REG && entry.type != DT_UNKNOWN)) continue;
      const std::size_t size = std::strlen(name);
      if (size > name_size_max || files.size() >= messages_max || names.size() > UINT32_MAX - buffer_size) continue;
      const auto* colon = static_cast<const char*>(std::memchr(name, ':', size));
      add({name, size}, colon == nullptr ? size : static_cast<std::size_t>(colon - name), in_new);
    }
  }
}

void MaildirScan::build_table() {
  table_.assign(std::bit_ceil(files.size() * 2 + 2), 0);
  const std::size_t mask = table_.size() - 1;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    std::size_t slot = checksum(base(files[i])) & mask;
    for (; table_[slot] != 0; slot = (slot + 1) & mask) {
      if (base(files[table_[slot] - 1]) == base(files[i])) break;
    }
    if (table_[slot] == 0) {
      table_[slot] = i + 1;
    } else {
      doubles.push_back(i);
    }
  }
}

ScannedFile* MaildirScan::find(std::string_view base_name) {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = checksum(base_name) & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    ScannedFile& file = files[table_[slot] - 1];
    if (base(file) == base_name) return &file;
  }
  return nullptr;
}

std::vector<std::string_view> MaildirScan::untaken() {
  std::vector<std::string_view> bases;
  for (const ScannedFile& file : files) {
    if (!file.taken && find(base(file)) == &file) bases.push_back(base(file));
  }
  std::ranges::sort(bases, arrived_before);
  return bases;
}

void MaildirScan::add(std::string_view file_name, std::size_t base_size, bool in_new) {
  files.push_back({static_cast<std::uint32_t>(names.size()), static_cast<std::uint8_t>(file_name.size()), static_cast<std::uint8_t>(base_size), in_new, false});
  names += file_name;
}

Result<MaildirScan> MaildirScan::read_new(const Fd& cur, const Fd& fresh) {
  MaildirScan scan;
  scan.cur_mark = mark_of(cur);
  scan.new_mark = mark_of(fresh);
  TRY(scan.list(fresh, true));
  return scan;
}

std::size_t MaildirScan::count(const Fd& directory) {
  MaildirScan scan;
  return scan.list(directory, true) ? scan.files.size() : 0;
}

Result<MaildirScan> MaildirScan::read(const Fd& cur, const Fd& fresh, const std::function<void()>& pause) {
  for (int attempt = 1;; ++attempt) {
    MaildirScan scan;
    scan.cur_mark = mark_of(cur);
    scan.new_mark = mark_of(fresh);
    // new/ first: what moves to cur/ meanwhile is seen twice rather than not at all.
    TRY(scan.list(fresh, true));
    TRY(scan.list(cur, false));
    scan.steady = scan.cur_mark == mark_of(cur) && scan.new_mark == mark_of(fresh);
    if (scan.steady || attempt == scan_tries) {
      scan.build_table();
      return scan;
    }
    if (pause) pause();
  }
}

}  // namespace store
