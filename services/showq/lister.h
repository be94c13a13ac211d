#pragma once
// Reads the queue for one request, some messages at a time. What was read is kept: a message whose inode and times (its
// own, and of one that is being tried its defer log's) are the same is not read again.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/queue/listing.h"

namespace showq {

inline constexpr std::size_t kept_bytes_limit = 16 * 1024 * 1024;   // of encoded messages; what does not fit is read each time

class Lister {
 public:
  explicit Lister(const queue::Layout& layout) : layout_(layout) {}

  // The queue as it is now; what the last listing did not show is forgotten. Blocking; the parts of one list must be read one after the other.
  struct Item {
    queue::Queue queue;
    queue::QueueId id;
  };
  [[nodiscard]] std::vector<Item> list();

  // The encoded messages of items [first, last).
  [[nodiscard]] std::string encode(const std::vector<Item>& items, std::size_t first, std::size_t last);

 private:
  // What tells whether a message has changed.
  struct Version {
    ino_t inode = 0;
    std::int64_t changed = 0, log_changed = 0;   // ctime in nanoseconds; 0 where there is no log, or it cannot change
    bool operator==(const Version&) const = default;
  };
  struct Kept {
    Version version;
    queue::Queue queue;
    std::uint64_t listed;   // the last listing that showed it
    std::string encoded;
  };
  [[nodiscard]] Version version(const Item& item) const;

  const queue::Layout& layout_;
  std::unordered_map<std::string, Kept> kept_;
  std::size_t kept_bytes_ = 0;
  std::uint64_t listings_ = 0;
};

}  // namespace showq
