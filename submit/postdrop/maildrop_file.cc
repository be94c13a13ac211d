#include "submit/postdrop/maildrop_file.h"

#include <cerrno>

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postdrop {
namespace {

constexpr mode_t mode_incomplete = 0644, mode_complete = 0744;
constexpr std::size_t buffer_size = 64 * 1024;
constexpr int create_tries = 100;

// The name is on disk. maildrop/ may be written but not read by the group postdrop, so that it cannot be opened for
// fsync(2): then the whole file system is synced.
Result<void> sync_directory(const Fd& file) {
  const Fd directory(::open("maildrop", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory ? ::fsync(directory.get()) != 0 : ::syncfs(file.get()) != 0) return base::fail_system("sync maildrop");
  return {};
}

}  // namespace

Result<MaildropFile> MaildropFile::create(queue::IdForm form, const base::Clock& clock, std::int64_t size_limit) {
  for (int attempt = 0; attempt < create_tries; ++attempt) {
    const Stamp now = clock.stamp();
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    const std::string temporary = fmt::format("maildrop/{}.{}", micros, ::getpid());
    Fd file(::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_incomplete));
    if (!file) {
      if (errno == EEXIST) continue;
      return base::fail_system("create file in maildrop");
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
      ::unlink(temporary.c_str());
      return base::fail_system("fstat");
    }
    const queue::QueueId id = queue::QueueId::make(form, now, status.st_ino);
    const std::string path = "maildrop/" + id.text();
    // Not over a file that is there: the id holds this file's inode, so only a left-over of another file system can be.
    const int renamed = ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
    if (renamed == 0) return MaildropFile(std::move(file), id, size_limit);
    const base::Error error = base::Error::system("rename " + temporary);
    ::unlink(temporary.c_str());
    if (error.code() != EEXIST) return base::Failure(error);
  }
  return base::fail("no unused name in maildrop", EEXIST);
}

MaildropFile::MaildropFile(MaildropFile&& other) noexcept
    : file_(std::move(other.file_)),
      id_(other.id_),
      size_limit_(other.size_limit_),
      written_(other.written_),
      buffer_(std::move(other.buffer_)),
      abandoned_(std::exchange(other.abandoned_, false)) {}

MaildropFile::~MaildropFile() {
  if (abandoned_) ::unlink(path().c_str());
}

Result<void> MaildropFile::add(queue::RecordType type, std::string_view data) {
  queue::append_record(buffer_, type, data);
  if (size_limit_ > 0 && written_ + static_cast<std::int64_t>(buffer_.size()) > size_limit_) {
    return base::Failure(base::Error::system("write", EFBIG));
  }
  return buffer_.size() < buffer_size ? Result<void>() : write_out();
}

Result<void> MaildropFile::write_out() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t n = ::write(file_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return base::fail_system("write");
    rest.remove_prefix(static_cast<std::size_t>(n));
    written_ += n;
  }
  buffer_.clear();
  return {};
}

Result<void> MaildropFile::commit() && {
  TRY(write_out());
  if (::fchmod(file_.get(), mode_complete) != 0) return base::fail_system("fchmod");
  if (::fsync(file_.get()) != 0) return base::fail_system("fsync");
  TRY(sync_directory(file_));
  TRY(file_.close());
  abandoned_ = false;
  return {};
}

}  // namespace postdrop
