#include "lib/maps/expiring_cache.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/process/account.h"
#include "lib/process/acting_as.h"

namespace maps {
namespace {

// The name that Postfix gives to the entry: a cache may come from it.
constexpr std::string_view last_pass_key = "_LAST_CACHE_CLEANUP_COMPLETED_";
constexpr std::size_t step = 100;                   // entries that are looked at between two turns of others
constexpr std::chrono::seconds first_pass_delay{1};  // what waits for a daemon that has just started goes first

}  // namespace

Result<std::unique_ptr<ExpiringCache>> ExpiringCache::open(Tables& tables, Options options, const process::Account* owner,
                                                           const base::Clock& clock) {
  // Who is asked through a socket is asked by whoever we are then.
  const auto acting = TRY(process::ActingAs::owner(owner != nullptr ? owner->uid : 0, owner != nullptr ? owner->gid : 0));
  auto table = TRY(tables.open_for_update(options.table, options.flags));
  return std::unique_ptr<ExpiringCache>(new ExpiringCache(std::move(table), std::move(options), clock));
}

ExpiringCache::~ExpiringCache() { cleaner_.cancel(); }

Result<std::shared_ptr<Table>> ExpiringCache::table() const {
  if (!table_) return base::fail(fmt::format("{} is closed", options_.table));
  return table_;
}

Result<Found> ExpiringCache::lookup(std::string_view key) {
  const auto table = TRY(this->table());
  return table->lookup(key);
}

Result<void> ExpiringCache::put(std::string_view key, std::string_view value) {
  const auto table = TRY(this->table());
  return table->put(key, value);
}

Result<bool> ExpiringCache::erase(std::string_view key) {
  const auto table = TRY(this->table());
  return table->erase(key);
}

Result<ExpiringCache::Counts> ExpiringCache::clean(const Keep& keep) {
  Counts counts;
  std::string last;
  std::vector<std::string> dropped;
  for (bool more = true; more;) {
    const auto table = TRY(this->table());
    std::vector<std::string> condemned;
    more = TRY(table->walk(last, step, [&](std::string_view key, std::string_view value) {
      last = key;
      if (key == last_pass_key) return;
      if (keep(key, value)) {
        ++counts.retained;
      } else {
        condemned.emplace_back(key);
      }
    }));
    // Those of the step before go now: the next step began behind the last of them, which had to be there for it.
    TRY(table->erase_all(dropped));
    counts.dropped += condemned.size();
    dropped = std::move(condemned);
    event::yield();
  }
  const auto table = TRY(this->table());
  TRY(table->erase_all(dropped));
  return counts;
}

std::chrono::seconds ExpiringCache::until_next_pass() {
  const auto last = lookup(last_pass_key);
  const auto seconds = last && *last ? ascii::parse_number(**last, std::numeric_limits<std::uint32_t>::max()) : std::nullopt;
  if (!seconds) return first_pass_delay;
  const Stamp due = Stamp(std::chrono::seconds(*seconds)) + options_.cleanup_interval;
  const auto left = std::chrono::ceil<std::chrono::seconds>(due - clock_.stamp());
  // A clock that was set back does not put the pass off.
  return std::clamp(left, first_pass_delay, std::max(first_pass_delay, options_.cleanup_interval));
}

void ExpiringCache::pass(const Keep& keep) {
  const auto counts = clean(keep);
  if (!table_) return;
  if (!counts) return maillog::warning("cache {} cleanup: {}", options_.table, counts.error().message());
  if (options_.logs_cleanup) {
    maillog::info("cache {} full cleanup: retained={} dropped={} entries", options_.table, counts->retained, counts->dropped);
  }
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.stamp().time_since_epoch());
  if (const auto noted = put(last_pass_key, fmt::format("{}", now.count())); !noted) maillog::warning("{}", noted.error().message());
}

void ExpiringCache::clean_regularly(Keep keep) {
  if (options_.cleanup_interval.count() == 0) return;
  auto fiber = event::Loop::current().spawn("cleanup", [this, keep = std::move(keep)] {
    auto wait = until_next_pass();
    for (;;) {
      event::sleep_until(base::after(wait));
      if (!table_) return;
      pass(keep);
      wait = options_.cleanup_interval;
    }
  });
  if (!fiber) return maillog::warning("cache {} cleanup: {}", options_.table, fiber.error().message());
  cleaner_ = *fiber;
}

void ExpiringCache::close() {
  cleaner_.cancel();
  table_.reset();
}

}  // namespace maps
