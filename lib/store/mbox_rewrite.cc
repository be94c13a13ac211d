#include "lib/store/mbox_rewrite.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/folder.h"
#include "lib/store/index_file.h"

namespace store {
namespace {

constexpr const char* note_name = "valija-mbox-rewrite";
constexpr std::size_t note_size_max = std::size_t{1} << 34;
constexpr std::array<char, 8> magic{'v', 'a', 'l', 'm', 'b', 'x', '0', '1'};

struct NoteHead {
  std::array<char, 8> kind = magic;
  std::uint64_t inode = 0, device = 0;
  std::uint64_t offset = 0, old_size = 0, new_size = 0;  // of the file
  std::uint64_t old_sum = 0;                             // of what was from offset to old_size
  std::uint64_t cut_sum = 0;                             // of what was from new_size to old_size, if that is shorter
  std::uint64_t new_sum = 0;                             // of the new end
  std::uint64_t before_sum = 0;                          // of what is before offset: it tells a file that others rewrote since
  std::uint64_t sum = 0;                                 // of all before
};

std::string_view bytes_of(const NoteHead& head, std::size_t size) { return {reinterpret_cast<const char*>(&head), size}; }
std::uint64_t sum_of(const NoteHead& head) { return checksum(bytes_of(head, offsetof(NoteHead, sum))); }

Result<std::string> read_range(const Fd& file, std::uint64_t from, std::uint64_t to) {
  std::string bytes(to > from ? to - from : 0, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t count = ::pread(file.get(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(from + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system("read mailbox");
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  bytes.resize(have);
  return bytes;
}

constexpr std::uint64_t looked_at_before = 4096;
Result<std::uint64_t> sum_before(const Fd& file, std::uint64_t offset) {
  return checksum(TRY(read_range(file, offset - std::min(offset, looked_at_before), offset)));
}

Result<void> write_range(const Fd& file, std::uint64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno != EINTR) return base::fail_system("write mailbox");
    if (count <= 0) continue;
    at += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::uint64_t> resize(const Fd& file, std::uint64_t size) {
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0 || ::fsync(file.get()) != 0) return base::fail_system("resize mailbox");
  return size;
}

Result<void> remove_note(const Fd& control) {
  if (::unlinkat(control.get(), note_name, 0) != 0 && errno != ENOENT) return base::fail_system("remove the note of a rewrite");
  if (::fsync(control.get()) != 0) return base::fail_system("fsync the directory of a rewrite's note");
  return {};
}

// Steps 3 to 5.
Result<void> carry_out(const Fd& file, const NoteHead& head, std::string_view end, const Fd& control) {
  TRY(write_range(file, head.offset, end));
  if (::fsync(file.get()) != 0) return base::fail_system("fsync mailbox");
  if (head.new_size < head.old_size) static_cast<void>(TRY(resize(file, head.new_size)));
  return remove_note(control);
}

bool is_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

// Where the mail begins that others have appended since the crash. None: nothing of the rewrite had been done to the file.
Result<std::optional<std::uint64_t>> appended_from(const Fd& file, std::uint64_t size, const NoteHead& head) {
  if (head.new_size > head.old_size) {
    const bool is_longer = size >= head.new_size;
    const bool old_stands = checksum(TRY(read_range(file, head.offset, head.old_size))) == head.old_sum;
    if (old_stands && !(is_longer && is_zero(TRY(read_range(file, head.old_size, head.new_size))))) return std::optional<std::uint64_t>{};
    return std::optional(std::min(head.new_size, size));
  }
  const bool is_uncut = size >= head.old_size && (head.new_size == head.old_size || checksum(TRY(read_range(file, head.new_size, head.old_size))) == head.cut_sum);
  return std::optional(is_uncut ? head.old_size : head.new_size);
}

}  // namespace

Result<void> rewrite_end(const Fd& file, std::uint64_t offset, std::string_view end, const Fd& control) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return base::fail_system("fstat mailbox");
  NoteHead head;
  head.inode = status.st_ino;
  head.device = status.st_dev;
  head.offset = offset;
  head.old_size = static_cast<std::uint64_t>(status.st_size);
  head.new_size = offset + end.size();
  if (offset > head.old_size) return base::fail("mailbox is shorter than it was", EAGAIN);
  const std::string old_end = TRY(read_range(file, offset, head.old_size));
  head.old_sum = checksum(old_end);
  if (head.new_size < head.old_size) head.cut_sum = checksum(std::string_view(old_end).substr(end.size()));
  head.new_sum = checksum(end);
  head.before_sum = TRY(sum_before(file, offset));
  head.sum = sum_of(head);
  std::string note(bytes_of(head, sizeof head));
  note += end;
  TRY(replace_in(control, note_name, note, Durable::yes));
  if (head.new_size > head.old_size) {
    if (auto longer = resize(file, head.new_size); !longer) {
      // No room: as it was.
      static_cast<void>(::ftruncate(file.get(), static_cast<off_t>(head.old_size)) == 0);
      static_cast<void>(remove_note(control).has_value());
      return base::Failure(longer.error());
    }
  }
  return carry_out(file, head, end, control);
}

bool is_unfinished(const Fd& control) { return mark_in(control, note_name) != FileMark{}; }

Result<bool> finish_rewrite(const Fd& file, const Fd& control) {
  const auto note = TRY(read_in(control, note_name, note_size_max));
  if (!note) return false;
  NoteHead head;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return base::fail_system("fstat mailbox");
  const std::string_view end = note->size() >= sizeof head ? std::string_view(*note).substr(sizeof head) : std::string_view();
  if (note->size() >= sizeof head) std::memcpy(static_cast<void*>(&head), note->data(), sizeof head);
  // A note that is not whole was never acted on; one of another file is of one that somebody replaced since.
  const bool is_ours = note->size() >= sizeof head && head.kind == magic && head.sum == sum_of(head) && head.new_sum == checksum(end) &&
                       head.inode == status.st_ino && head.device == status.st_dev && head.new_size == head.offset + end.size();
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (!is_ours || head.before_sum != TRY(sum_before(file, head.offset)) || size < std::min(head.old_size, head.new_size)) {
    TRY(remove_note(control));
    return false;
  }
  const auto appended = TRY(appended_from(file, size, head));
  if (!appended) {
    TRY(remove_note(control));
    return false;
  }
  const std::string more = TRY(read_range(file, *appended, size));
  const bool is_in_place = *appended == head.new_size;
  if (more.empty() || is_in_place) {
    NoteHead rest = head;
    rest.old_size = more.empty() ? size : rest.new_size;  // nothing is cut when others' mail follows at once
    TRY(carry_out(file, rest, end, control));
    return true;
  }
  TRY(rewrite_end(file, head.offset, std::string(end) + more, control));
  return true;
}

}  // namespace store
