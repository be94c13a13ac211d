#include "cleanup/spool.h"

#include <cerrno>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/queue/record_reader.h"

namespace cleanup {
namespace {

constexpr std::size_t buffer_high = 64 * 1024;
// Bytes read in one turn of the event loop: a large message must not keep the others waiting.
constexpr std::int64_t turn_size = 64 * 1024;

}  // namespace

Result<Spool> Spool::open(const std::string& directory) {
  Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return Spool(std::move(file));
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) return base::fail_system("temporary file in " + directory);
  // A file system that has no files without names.
  std::string name = directory + "/milter.XXXXXX";
  Fd named(::mkostemp(name.data(), O_CLOEXEC));
  if (!named) return base::fail_system("temporary file in " + directory);
  if (::unlink(name.c_str()) != 0) return base::fail_system("unlink " + name);
  return Spool(std::move(named));
}

Result<void> Spool::add(queue::RecordType type, std::string_view data) {
  queue::append_record(buffer_, type, data);
  if (buffer_.size() >= buffer_high) return write_out();
  return {};
}

Result<void> Spool::write_out() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t count = ::pwrite(file_.get(), rest.data(), rest.size(), written_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system("write temporary file");
    written_ += count;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  buffer_.clear();
  return {};
}

Result<std::int64_t> Spool::read(std::int64_t offset, const Take& take) {
  TRY(write_out());
  queue::RecordReader reader(file_.get(), offset);
  std::int64_t turn_end = offset + turn_size;
  while (reader.position() < written_) {
    if (reader.position() >= turn_end) {
      event::breathe();
      turn_end = reader.position() + turn_size;
    }
    const auto record = TRY(reader.next());
    const bool goes_on = TRY(take(record.type, record.data));
    if (!goes_on) break;
  }
  return reader.position();
}

}  // namespace cleanup
