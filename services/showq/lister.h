#pragma once
// Reads the queue for one request, some messages at a time. What was read is kept: a message whose inode and times (its
// own and its defer log's) are the same is not read again.

#include <map>
#include <string>
#include <vector>

#include "lib/queue/listing.h"

namespace showq {

inline constexpr std::size_t kept_bytes_limit = 16 * 1024 * 1024;   // of encoded messages; when there are more, all are forgotten

class Lister {
 public:
  explicit Lister(const queue::Layout& layout) : layout_(layout) {}

  // The queue as it is now. Blocking; the parts of one list must be read one after the other.
  struct Item {
    queue::Queue queue;
    queue::QueueId id;
  };
  [[nodiscard]] std::vector<Item> list() const;

  // The encoded messages of items [first, last).
  [[nodiscard]] std::string encode(const std::vector<Item>& items, std::size_t first, std::size_t last);

 private:
  // What tells whether a message has changed.
  struct Version {
    ino_t inode = 0;
    std::int64_t changed = 0, log_changed = 0;   // ctime in nanoseconds; 0 without log
    bool operator==(const Version&) const = default;
  };
  struct Kept {
    Version version;
    queue::Queue queue;
    std::string encoded;
  };
  [[nodiscard]] Version version(const Item& item) const;

  const queue::Layout& layout_;
  std::map<std::string, Kept> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace showq
