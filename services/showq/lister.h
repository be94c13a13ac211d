#pragma once
// Reads the queue for one request, some messages at a time. What was read is kept: a message whose inode and times (its
// own, and of one that is being tried its defer log's) are the same is not read again. It is kept as it was sent, in one piece:
// directories name their files in the same order each time, so that the next listing goes through it from front to end.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/queue/listing.h"

namespace showq {

inline constexpr std::size_t kept_bytes_limit = 16 * 1024 * 1024;   // of one listing; what does not fit is read each time

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
    queue::QueueId id;
    queue::Queue queue;
    Version version;
    std::size_t start, size;   // in the listing's text
  };
  struct Listing {
    std::vector<Kept> messages;   // in the order in which they were shown
    std::string text;
  };
  [[nodiscard]] Version version(const Item& item) const;
  [[nodiscard]] const Kept* find_last(const queue::QueueId& id);
  void keep(const Item& item, const Version& version, std::string_view encoded);

  const queue::Layout& layout_;
  Listing last_, now_;
  std::size_t next_ = 0;   // of last_: what is probably asked for next
  std::unordered_map<std::string_view, std::size_t> places_;   // in last_, when the order has changed; else empty
};

}  // namespace showq
