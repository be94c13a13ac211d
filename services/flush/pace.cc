#include "services/flush/pace.h"

#include "lib/base/check.h"

namespace flush {

Pace::Turn Pace::ask(const std::string& name, Deadline now) {
  const auto found = sites_.find(name);
  if (found == sites_.end() || (!found->second.is_put_off && found->second.due <= now)) {
    began(name, now);
    return Turn::now;
  }
  if (found->second.is_put_off) return Turn::waits_already;
  found->second.is_put_off = true;
  return Turn::later;
}

Deadline Pace::due(const std::string& name) const {
  const auto found = sites_.find(name);
  CHECK(found != sites_.end());
  return found->second.due;
}

void Pace::began(const std::string& name, Deadline now) {
  std::erase_if(sites_, [&](const auto& entry) { return entry.second.due <= now && !entry.second.is_put_off; });
  sites_[name] = {.due = now + interval};
}

}  // namespace flush
