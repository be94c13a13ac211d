#include "lib/mailbox/maildir_draft.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/io/journal.h"

namespace mailbox {
namespace {

constexpr mode_t message_mode = 0600;

}  // namespace

std::string sizes_in_name(std::uint64_t size, std::optional<std::uint64_t> wire_size) {
  return wire_size ? fmt::format(",S={},W={}", size, *wire_size) : fmt::format(",S={}", size);
}

MaildirDraft::MaildirDraft(MaildirDraft&& other) noexcept
    : drafts_(other.drafts_),
      name_(std::exchange(other.name_, {})),
      file_(std::move(other.file_)),
      size_(other.size_),
      bare_lines_(other.bare_lines_),
      last_(other.last_) {}

MaildirDraft::~MaildirDraft() {
  if (!name_.empty()) ::unlinkat(drafts_, name_.c_str(), 0);
}

int MaildirDraft::create(const Fd& drafts, std::string name) {
  file_ = Fd(::openat(drafts.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, message_mode));
  if (!file_) return errno;
  drafts_ = drafts.get();
  name_ = std::move(name);
  return 0;
}

int MaildirDraft::write(std::string_view bytes) {
  if (bytes.empty()) return 0;
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if ((at == 0 ? last_ : bytes[at - 1]) != '\r') ++bare_lines_;
  }
  last_ = bytes.back();
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

// ext4 and XFS note a file's size in their journal when its blocks have been written, and what comes later there is never
// found without it, so that waiting for the blocks is enough and one commit of the journal serves the bytes and the name.
int MaildirDraft::settle() const {
  constexpr unsigned blocks_written = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (io::has_one_journal(file_.get()) && ::sync_file_range(file_.get(), 0, 0, blocks_written) == 0) return 0;
  return ::fsync(file_.get()) == 0 ? 0 : errno;
}

int MaildirDraft::close() {
  const auto closed = file_.close();
  return closed ? 0 : closed.error().code();
}

int MaildirDraft::move_to(const Fd& directory, const std::string& name) {
  if (::renameat2(drafts_, name_.c_str(), directory.get(), name.c_str(), RENAME_NOREPLACE) == 0) {
    name_.clear();
    return 0;
  }
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // The file system cannot rename so. The name in tmp/ is removed by the destructor.
  return ::linkat(drafts_, name_.c_str(), directory.get(), name.c_str(), 0) == 0 ? 0 : errno;
}

}  // namespace mailbox
