#include "services/showq/lister.h"

#include <algorithm>

#include <sys/stat.h>

namespace showq {
namespace {

std::int64_t changed_at(const struct stat& status) {
  return static_cast<std::int64_t>(status.st_ctim.tv_sec) * 1'000'000'000 + status.st_ctim.tv_nsec;
}

}  // namespace

std::vector<Lister::Item> Lister::list() {
  std::erase_if(kept_, [this](const auto& entry) {
    const bool is_gone = entry.second.listed != listings_;
    if (is_gone) kept_bytes_ -= entry.second.encoded.size();
    return is_gone;
  });
  ++listings_;
  std::vector<Item> out;
  for (const queue::Queue queue : queue::listed_queues) {
    for (queue::QueueId& id : queue::list_ids(layout_, queue)) out.push_back({queue, std::move(id)});
  }
  return out;
}

Lister::Version Lister::version(const Item& item) const {
  struct stat status {};
  Version out;
  if (::lstat(layout_.path(item.queue, item.id).c_str(), &status) == 0) {
    out.inode = status.st_ino;
    out.changed = changed_at(status);
  }
  // While a message rests nobody writes its log: the end of a try, which does, moves the message.
  if (item.queue != queue::Queue::active) return out;
  if (::lstat(layout_.path(queue::Queue::defer, item.id).c_str(), &status) == 0) out.log_changed = changed_at(status);
  return out;
}

std::string Lister::encode(const std::vector<Item>& items, std::size_t first, std::size_t last) {
  std::string out;
  for (std::size_t i = first; i < std::min(last, items.size()); ++i) {
    const Item& item = items[i];
    const Version now = version(item);
    const auto found = kept_.find(item.id.text());
    if (found != kept_.end() && found->second.version == now && found->second.queue == item.queue) {
      out += found->second.encoded;
      found->second.listed = listings_;
      continue;
    }
    if (found != kept_.end()) {
      kept_bytes_ -= found->second.encoded.size();
      kept_.erase(found);
    }
    const auto listed = queue::read_listed(layout_, item.queue, item.id);
    if (!listed) continue;
    std::string encoded;
    queue::encode(encoded, *listed);
    out += encoded;
    if (kept_bytes_ + encoded.size() > kept_bytes_limit) continue;
    kept_bytes_ += encoded.size();
    kept_.emplace(item.id.text(), Kept{now, item.queue, listings_, std::move(encoded)});
  }
  return out;
}

}  // namespace showq
