#pragma once
// The temporary allowlist: postscreen_cache_map. Without a table nobody is known.

#include <memory>
#include <string>

#include "lib/maps/expiring_cache.h"
#include "postscreen/results.h"

namespace postscreen {

class Allowlist {
 public:
  // `retention`: how long an entry stays when its last test has to be repeated.
  Allowlist(std::unique_ptr<maps::ExpiringCache> cache, std::chrono::seconds retention, const base::Clock& clock)
      : cache_(std::move(cache)), retention_(retention), clock_(clock) {}

  // What is known of this client; all "never" when nothing is. A failure is logged, and counts as nothing. Parks.
  [[nodiscard]] Results look_up(const std::string& address) const;
  void store(const std::string& address, const Results& results);

  // From now on entries that say nothing any more go.
  void clean_regularly();
  // A successor has the table.
  void close();

 private:
  std::unique_ptr<maps::ExpiringCache> cache_;
  std::chrono::seconds retention_;
  const base::Clock& clock_;
};

}  // namespace postscreen
