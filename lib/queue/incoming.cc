#include "lib/queue/incoming.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/check.h"
#include "lib/event/offload.h"
#include "lib/queue/lock.h"

namespace queue {
namespace {

constexpr std::size_t buffer_high = 64 * 1024;
constexpr int name_tries = 20;  // ids that are taken, each tried with a later time stamp

Result<Fd> open_directory(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return base::fail_system("open " + path);
  return fd;
}

// All of `data`, at `offset`.
Result<void> write_at(const Fd& file, std::string_view data, std::int64_t offset) {
  while (!data.empty()) {
    const ssize_t count = pwrite(file.get(), data.data(), data.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system("write queue file");
    data.remove_prefix(static_cast<std::size_t>(count));
    offset += count;
  }
  return {};
}

}  // namespace

IncomingDirectory::IncomingDirectory(const Layout& layout, IdForm form, const base::Clock& clock, Fd incoming, Fd hold)
    : layout_(layout),
      form_(form),
      clock_(clock),
      incoming_fd_(std::move(incoming)),
      hold_fd_(std::move(hold)),
      incoming_(incoming_fd_.get()),
      hold_(hold_fd_.get()) {}

Result<std::unique_ptr<IncomingDirectory>> IncomingDirectory::open(const Layout& layout, IdForm form,
                                                                   const base::Clock& clock) {
  Fd incoming = TRY(open_directory(layout.directory(Queue::incoming)));
  Fd hold = TRY(open_directory(layout.directory(Queue::hold)));
  return std::unique_ptr<IncomingDirectory>(
      new IncomingDirectory(layout, form, clock, std::move(incoming), std::move(hold)));
}

Result<QueueId> IncomingDirectory::give_name(const std::string& temporary, std::uint64_t inode) {
  for (int tries = 0; tries < name_tries; ++tries) {
    const QueueId id = QueueId::make(form_, clock_.stamp() + std::chrono::microseconds(tries), inode);
    // The inode makes the id unique, except against a queue that was brought here with the ids it had elsewhere.
    if (layout_.exists(Queue::active, id) || layout_.exists(Queue::deferred, id) || layout_.exists(Queue::hold, id)) continue;
    if (layout_.is_hashed(Queue::incoming)) TRY(layout_.make_directories(Queue::incoming, id));
    const std::string path = layout_.path(Queue::incoming, id);
    if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return id;
    if (errno != EEXIST) return base::fail_system("rename " + temporary + " to " + path);
  }
  return base::fail("no free queue id for " + temporary, EEXIST);
}

Result<std::pair<std::string, Fd>> IncomingDirectory::create_temporary() const {
  for (int tries = 0;; ++tries) {
    const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(clock_.stamp().time_since_epoch()).count();
    std::string path = fmt::format("{}{}.{}", layout_.directory(Queue::incoming), (usec + tries) % 1'000'000, getpid());
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_incomplete));
    if (file) return std::pair(std::move(path), std::move(file));
    // A dead process with our number may have left its file; postsuper removes it.
    if (errno != EEXIST || tries >= name_tries) return base::fail_system("create " + path);
  }
}

Result<IncomingFile> IncomingDirectory::create() {
  auto [temporary, file] = TRY(create_temporary());
  struct stat status {};
  auto id = [&]() -> Result<QueueId> {
    if (fstat(file.get(), &status) < 0) return base::fail_system("stat " + temporary);
    TRY(lock_file(file));
    return give_name(temporary, status.st_ino);
  }();
  if (!id) {
    unlink(temporary.c_str());
    return base::Failure(std::move(id).error());
  }
  return IncomingFile(*this, std::move(file), std::move(*id));
}

Result<bool> IncomingDirectory::recover(const QueueId& id) {
  for (const Queue queue : {Queue::incoming, Queue::active, Queue::deferred}) {
    const Fd file(::open(layout_.path(queue, id).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file && errno == ENOENT) continue;
    struct stat status {};
    if (!file || fstat(file.get(), &status) < 0) return base::fail_system("open " + layout_.path(queue, id));
    // Its process has an exclusive lock until it is done; who delivers it shares his.
    TRY(lock_file_shared(file));
    if ((status.st_mode & mode_complete) != mode_complete) {
      TRY(layout_.remove(queue, id));
      return false;
    }
    TRY(event::fsync(file));
    TRY(sync_name(queue, id));
    return true;
  }
  return false;
}

Result<void> IncomingDirectory::sync_name(Queue queue, const QueueId& id) {
  if (!layout_.is_hashed(queue) && queue == Queue::incoming) return incoming_.sync_names();
  if (!layout_.is_hashed(queue) && queue == Queue::hold) return hold_.sync_names();
  // Hashed: each directory on the way may be new.
  const std::string path = layout_.path(queue, id);
  for (std::size_t slash = path.rfind('/'); slash + 1 >= layout_.directory(queue).size(); slash = path.rfind('/', slash - 1)) {
    const Fd directory = TRY(open_directory(path.substr(0, slash)));
    TRY(event::fsync(directory));
    if (slash == 0) break;
  }
  return {};
}

IncomingFile::IncomingFile(IncomingDirectory& directory, Fd file, QueueId id)
    : directory_(&directory), file_(std::move(file)), id_(std::move(id)) {
  ++directory_->files_;
  buffer_ = size_record();
}

IncomingFile::IncomingFile(IncomingFile&& other) noexcept
    : directory_(std::exchange(other.directory_, nullptr)),
      file_(std::move(other.file_)),
      id_(other.id_),
      queue_(other.queue_),
      abandoned_(std::exchange(other.abandoned_, false)),
      buffer_(std::move(other.buffer_)),
      written_(other.written_),
      content_start_(other.content_start_),
      content_end_(other.content_end_),
      recipients_(other.recipients_),
      queue_flags_(other.queue_flags_),
      send_options_(other.send_options_) {}

IncomingFile::~IncomingFile() {
  if (abandoned_) static_cast<void>(directory_->layout_.remove(queue_, id_));
  if (directory_ != nullptr) --directory_->files_;
}

// The numbers are wide enough to be filled in later at the same place: right-aligned, a blank between them.
std::string IncomingFile::size_record() const {
  constexpr std::size_t width = 15;
  const std::int64_t size = content_size();
  const std::array<std::int64_t, 6> numbers{size, content_start_, recipients_, queue_flags_, size, send_options_};
  std::string text(numbers.size() * (width + 1) - 1, ' ');
  std::size_t end = width;
  for (const std::int64_t number : numbers) {
    std::array<char, width> digits{};
    const auto length = static_cast<std::size_t>(std::to_chars(digits.begin(), digits.end(), number).ptr - digits.data());
    text.replace(end - length, length, digits.data(), length);
    end += width + 1;
  }
  std::string out;
  append_record(out, RecordType::size, text);
  return out;
}

std::int64_t IncomingFile::content_size() const {
  if (content_start_ == 0) return 0;
  return (content_end_ != 0 ? content_end_ : offset()) - content_start_;
}

Result<void> IncomingFile::add(RecordType type, std::string_view data) {
  CHECK(abandoned_);
  if (type == RecordType::extracted) content_end_ = offset();
  if (type == RecordType::recipient) ++recipients_;
  append_record(buffer_, type, data);
  if (type == RecordType::message_start) content_start_ = offset();
  if (buffer_.size() >= buffer_high) TRY(write_out());
  return {};
}

Result<void> IncomingFile::add_attribute(std::string_view name, std::string_view value) {
  return add(RecordType::attribute, fmt::format("{}={}", name, value));
}

Result<void> IncomingFile::write_out() {
  TRY(write_at(file_, buffer_, written_));
  // The bytes get their place on disk now: otherwise they would miss the journal transaction that the directory's fsync
  // closes, and the file's would need another one. Only a hint: fsync says whether it worked.
  static_cast<void>(::sync_file_range(file_.get(), written_, static_cast<off64_t>(buffer_.size()), SYNC_FILE_RANGE_WRITE));
  written_ += static_cast<std::int64_t>(buffer_.size());
  buffer_.clear();
  return {};
}

Result<QueueId> IncomingFile::commit(FirstQueue queue) && {
  CHECK(abandoned_);
  TRY(add(RecordType::end, {}));
  const std::string size = size_record();
  if (written_ == 0) {
    buffer_.replace(0, size.size(), size);
  } else {
    TRY(write_at(file_, size, 0));
  }
  TRY(write_out());
  // Before it is complete: when we die, the queue manager must not find in incoming what is to be held.
  if (queue == FirstQueue::hold) {
    TRY(directory_->layout_.move(id_, Queue::incoming, Queue::hold));
    queue_ = Queue::hold;
  }
  // The mode says "complete": before the fsync, so that it is on disk with the bytes.
  if (fchmod(file_.get(), mode_complete) < 0) return base::fail_system("change mode of queue file");
  TRY(make_durable());
  abandoned_ = false;
  file_.reset();  // and with it the lock
  return id_;
}

Result<void> IncomingFile::make_durable() {
  // The name is there since create().
  const bool has_final_name = queue_ == Queue::incoming && !directory_->layout_.is_hashed(queue_);
  // While no other message is on its way nobody is kept waiting here, and the two hops to a thread and back are spared.
  const bool is_alone = directory_->files_ == 1 && static_cast<std::size_t>(written_) <= buffer_high;
  if (is_alone && has_final_name) {
    for (const Fd* const each : {&file_, &directory_->incoming_fd_}) {
      if (::fsync(each->get()) != 0) return base::fail_system("fsync");
    }
    return {};
  }
  if (has_final_name) return directory_->incoming_.sync(file_.get());
  TRY(event::fsync(file_));
  return directory_->sync_name(queue_, id_);
}

}  // namespace queue
