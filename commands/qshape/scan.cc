#include "commands/qshape/scan.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/queue/message.h"

namespace qshape {
namespace {

constexpr std::size_t batch = 1000;          // recipients in memory at a time
constexpr std::size_t id_length_min = 6;     // of queue file names, as Postfix's qshape sees them
constexpr unsigned mode_bits = 07777;

bool is_queue_file_name(std::string_view name) {
  if (name.size() < id_length_min) return false;
  for (const char c : name) {
    if (!ascii::is_alnum(c)) return false;
  }
  return true;
}

void visit_file(const std::filesystem::path& path, Whom whom, const Visitor& visitor) {
  if (!is_queue_file_name(path.filename().native())) return;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  if ((status.st_mode & mode_bits) != queue::mode_complete) return;
  const auto message = queue::read_message(file.get(), queue::Wanted::todo, batch);
  if (!message) return;
  if (whom == Whom::senders) {
    if (!message->recipients.empty()) visitor.address({message->arrived, message->sender});
    return visitor.message();
  }
  for (const queue::Recipient& one : message->recipients) visitor.address({message->arrived, one.address});
  for (std::int64_t more = message->more_recipients; more != 0;) {
    const auto next = queue::read_recipients(file.get(), more, queue::Wanted::todo, batch);
    if (!next) break;
    for (const queue::Recipient& one : next->recipients) visitor.address({message->arrived, one.address});
    more = next->more;
  }
  visitor.message();
}

}  // namespace

Result<void> scan(const std::string& path, Whom whom, const Visitor& visitor) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return base::fail_system("Can't stat " + path);
  if (!S_ISDIR(status.st_mode)) {
    visit_file(path, whom, visitor);
    return {};
  }
  // A directory that goes away meanwhile, or that may not be read, ends nothing but itself.
  std::error_code ignored;
  std::filesystem::recursive_directory_iterator entry(path, std::filesystem::directory_options::skip_permission_denied, ignored);
  for (const auto end = std::filesystem::recursive_directory_iterator(); entry != end; entry.increment(ignored)) {
    visit_file(entry->path(), whom, visitor);
  }
  return {};
}

}  // namespace qshape
