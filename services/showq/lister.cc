#include "services/showq/lister.h"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace showq {
namespace {

std::int64_t changed_at(const struct stat& status) {
  return static_cast<std::int64_t>(status.st_ctim.tv_sec) * 1'000'000'000 + status.st_ctim.tv_nsec;
}

}  // namespace

std::vector<Lister::Item> Lister::list() {
  places_.clear();
  last_ = std::exchange(now_, {});
  next_ = 0;
  std::vector<Item> out;
  out.reserve(last_.messages.size());
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

const Lister::Kept* Lister::find_last(const queue::QueueId& id) {
  const std::vector<Kept>& kept = last_.messages;
  if (next_ < kept.size() && kept[next_].id == id) return &kept[next_++];
  if (places_.empty()) {
    for (std::size_t i = 0; i < kept.size(); ++i) places_.emplace(kept[i].id.text(), i);
  }
  const auto found = places_.find(id.text());
  if (found == places_.end()) return nullptr;
  next_ = found->second + 1;
  return &kept[found->second];
}

void Lister::keep(const Item& item, const Version& version, std::string_view encoded) {
  if (now_.text.size() + encoded.size() > kept_bytes_limit) return;
  now_.messages.push_back({item.id, item.queue, version, now_.text.size(), encoded.size()});
  now_.text += encoded;
}

std::string Lister::encode(const std::vector<Item>& items, std::size_t first, std::size_t last) {
  std::string out;
  for (std::size_t i = first; i < std::min(last, items.size()); ++i) {
    const Item& item = items[i];
    const Version now = version(item);
    const std::size_t start = out.size();
    const Kept* const kept = find_last(item.id);
    if (kept != nullptr && kept->version == now && kept->queue == item.queue) {
      out.append(last_.text, kept->start, kept->size);
    } else if (const auto listed = queue::read_listed(layout_, item.queue, item.id)) {
      queue::encode(out, *listed);
    } else {
      continue;
    }
    keep(item, now, std::string_view(out).substr(start));
  }
  if (last < items.size()) return out;
  places_.clear();
  last_ = {};
  return out;
}

}  // namespace showq
