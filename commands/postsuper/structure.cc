#include "commands/postsuper/structure.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/postsuper/walk.h"
#include "lib/log/log.h"

namespace postsuper {

using queue::Queue;

namespace {

constexpr std::string_view unfinished = "#FIX";
constexpr std::array logs{Queue::bounce, Queue::defer, Queue::trace};
constexpr std::array log_queues{Queue::bounce, Queue::defer, Queue::trace, Queue::flush};

struct File {
  Queue queue;
  std::string path;
  queue::QueueId id;
  bool is_unfinished;   // its name ends in "#FIX"
  std::uint64_t inode;
};

bool holds_logs(Queue queue) { return std::ranges::find(log_queues, queue) != log_queues.end(); }

Result<void> rename_file(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 || errno == ENOENT) return {};
  return base::fail_system("rename file " + from + " as " + to);
}

class Structure {
 public:
  Structure(const queue::Layout& layout, Names names) : layout_(layout), names_(names) {}

  // Files of a queue. Directories that the queue does not have any more are removed when empty.
  void find(Queue queue, std::vector<File>& out) const {
    const int own_depth = layout_.is_hashed(queue) ? layout_.hash_depth() : 0;
    const auto remove_foreign = [&](const std::string& directory, int depth) {
      if (depth >= own_depth) ::rmdir(directory.c_str());
    };
    walk(layout_.directory(queue), [&](FoundFile found) { take(queue, std::move(found), out); }, remove_foreign);
  }

  void take(Queue queue, FoundFile found, std::vector<File>& out) const {
    const bool is_unfinished = found.name.ends_with(unfinished);
    const std::size_t suffix = is_unfinished ? unfinished.size() : 0;
    auto id = queue::QueueId::parse(std::string_view(found.name).substr(0, found.name.size() - suffix));
    if (id) {
      out.push_back({queue, std::move(found.path), std::move(*id), is_unfinished, found.status.st_ino});
    } else if (queue != Queue::flush) {  // whose files are named after destinations
      maillog::warning("bogus file name: {}", found.path.substr(layout_.root().size()));
    }
  }

  // A message whose name does not hold its inode: its logs first, so that a message never has another one's.
  Result<bool> rename_to_inode(const File& file) const {
    if (file.id.form() == queue::IdForm::long_form && names_ == Names::short_ids) return false;
    const queue::QueueId id = file.id.with_inode(file.inode);
    if (id == file.id) return false;
    for (const Queue log : logs) {
      if (!layout_.exists(log, file.id)) continue;
      TRY(layout_.make_directories(log, id));
      TRY(rename_file(layout_.path(log, file.id), layout_.path(log, id) + std::string(unfinished)));
    }
    TRY(layout_.make_directories(file.queue, id));
    TRY(rename_file(file.path, layout_.path(file.queue, id) + std::string(unfinished)));
    return true;
  }

  Result<void> put_in_place(const File& file) const {
    const std::string place = layout_.path(file.queue, file.id);
    if (file.path == place) return {};
    TRY(layout_.make_directories(file.queue, file.id));
    return rename_file(file.path, place);
  }

  [[nodiscard]] std::vector<File> find_all(const std::vector<Queue>& queues) const {
    std::vector<File> out;
    for (const Queue queue : queues) find(queue, out);
    return out;
  }

 private:
  const queue::Layout& layout_;
  Names names_;
};

}  // namespace

std::vector<Queue> structured_queues() {
  return {Queue::maildrop, Queue::hold,   Queue::incoming, Queue::active, Queue::deferred,
          Queue::bounce,   Queue::defer,  Queue::trace,    Queue::flush};
}

Result<int> fix_structure(const queue::Layout& layout, const std::vector<Queue>& queues, Names names) {
  const Structure structure(layout, names);
  int renamed = 0;
  std::vector<File> to_place;
  // Logs are found where their names say, or they would not be found for their messages.
  std::vector<File> files = structure.find_all(queues);
  for (const File& file : files) {
    if (holds_logs(file.queue) && !file.is_unfinished) TRY(structure.put_in_place(file));
  }
  for (File& file : files) {
    if (holds_logs(file.queue)) continue;
    if (TRY(structure.rename_to_inode(file))) {
      ++renamed;
      file.id = file.id.with_inode(file.inode);
      file.path = layout.path(file.queue, file.id) + std::string(unfinished);
    }
    to_place.push_back(std::move(file));
  }
  for (const File& file : to_place) TRY(structure.put_in_place(file));
  // Logs that were renamed above, or by a run that was interrupted.
  std::vector<File> renamed_logs;
  for (const Queue log : logs) structure.find(log, renamed_logs);
  for (const File& file : renamed_logs) {
    if (file.is_unfinished) TRY(structure.put_in_place(file));
  }
  return renamed;
}

}  // namespace postsuper
