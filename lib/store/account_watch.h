#pragma once
// Learning from the kernel which of many mailboxes changed, and that there are others than before: one inotify descriptor for all of
// them, with a watch for each directory.

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/store/folder.h"
#include "lib/store/location.h"

namespace store {

class AccountWatch {
 public:
  explicit AccountWatch(Location location) : location_(std::move(location)) {}

  // From now on: the messages of these mailboxes; the subscriptions, and the tree, of which these are known. To be called again when
  // the tree has changed.
  void watch(std::span<const std::string> mailboxes, std::span<const std::string> tree);
  void stop();

  // Readable when there is something to take. -1: the system tells nothing.
  [[nodiscard]] int fd() const { return watches_.get(); }
  // Whether all is told. Else who wants to know has to look, now and then.
  [[nodiscard]] bool is_complete() const { return is_complete_; }

  struct News {
    bool tree = false;                 // mailboxes or subscriptions
    bool all = false;                  // anything: too much came at once
    std::set<std::string> mailboxes;   // that are watched
  };
  // Does not wait. A mailbox may be named that has not changed.
  [[nodiscard]] News take();

 private:
  // A directory that is watched.
  struct Directory {
    std::string mailbox;                                         // whose messages are its files; empty: none's
    bool is_of_tree = false;                                     // mailboxes come and go in it
    std::map<std::string, std::string, std::less<>> mbox_files;  // file, mailbox
  };
  using Directories = std::map<int, Directory>;                  // by the number of its watch

  [[nodiscard]] Directory* add(Directories& directories, const Place& place);
  void add_messages(Directories& directories, const std::string& name);
  void add_level(Directories& directories, const std::string& name);
  void note(News& news, int number, std::string_view file, bool is_directory) const;

  Location location_;
  Fd watches_;
  Directories directories_;
  bool is_complete_ = false;
};

}  // namespace store
