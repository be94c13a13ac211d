#include "services/tlsmgr/session_caches.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "lib/log/log.h"

namespace tlsmgr {
namespace {

std::int64_t seconds_of(Stamp stamp) { return std::chrono::duration_cast<std::chrono::seconds>(stamp.time_since_epoch()).count(); }

// What is left of an entry without its time; none: its time is over, or Postfix's tlsmgr has written it.
std::optional<std::string_view> session_in(std::string_view entry, Stamp now) {
  std::int64_t end = 0;
  const auto [at, error] = std::from_chars(entry.data(), entry.data() + entry.size(), end);
  const std::string_view rest = entry.substr(static_cast<std::size_t>(at - entry.data()));
  if (error != std::errc() || !rest.starts_with(' ') || end <= seconds_of(now)) return std::nullopt;
  return rest.substr(1);
}

void warn(const base::Error& error) { maillog::warning("TLS sessions: {}", error.message()); }

}  // namespace

std::unique_ptr<SessionCaches> SessionCaches::open(maps::Tables& tables, const std::vector<Setup>& setups, const process::Account* owner,
                                                   const base::Clock& clock) {
  auto out = std::unique_ptr<SessionCaches>(new SessionCaches(clock));
  std::map<std::string, std::shared_ptr<maps::ExpiringCache>> open;
  for (const Setup& setup : setups) {
    if (setup.table.empty() || setup.timeout.count() == 0) continue;
    std::shared_ptr<maps::ExpiringCache>& file = open[setup.table];
    if (!file) {
      auto opened = maps::ExpiringCache::open(tables, {.table = setup.table, .cleanup_interval = setup.timeout, .logs_cleanup = false}, owner, clock);
      if (!opened) {
        warn(opened.error());
        continue;
      }
      file = std::move(*opened);
    }
    out->caches_[setup.name] = {file, setup.timeout};
  }
  return out;
}

SessionCaches::Cache* SessionCaches::cache(std::string_view name, std::string_view id) {
  const auto found = caches_.find(name);
  return found == caches_.end() || id.empty() || id.size() > maps::cache_key_limit ? nullptr : &found->second;
}

std::string SessionCaches::find(std::string_view name, std::string_view id) {
  Cache* const from = cache(name, id);
  if (from == nullptr) return {};
  const auto entry = from->file->lookup(id);
  if (!entry) {
    warn(entry.error());
    return {};
  }
  return *entry ? std::string(session_in(**entry, clock_.stamp()).value_or("")) : std::string();
}

void SessionCaches::keep(std::string_view name, std::string_view id, std::string_view session) {
  Cache* const to = cache(name, id);
  if (to == nullptr || session.empty() || session.size() > session_limit) return;
  const auto kept = to->file->put(id, fmt::format("{} {}", seconds_of(clock_.stamp() + to->timeout), session));
  if (!kept) warn(kept.error());
}

void SessionCaches::drop(std::string_view name, std::string_view id) {
  Cache* const from = cache(name, id);
  if (from == nullptr) return;
  if (const auto gone = from->file->erase(id); !gone) warn(gone.error());
}

std::vector<std::shared_ptr<maps::ExpiringCache>> SessionCaches::files() const {
  std::vector<std::shared_ptr<maps::ExpiringCache>> out;
  for (const auto& [name, each] : caches_) {
    if (std::ranges::find(out, each.file) == out.end()) out.push_back(each.file);
  }
  return out;
}

void SessionCaches::clean_regularly() {
  for (const auto& file : files()) {
    file->clean_regularly([this](std::string_view, std::string_view entry) { return session_in(entry, clock_.stamp()).has_value(); });
  }
}

void SessionCaches::close() {
  for (const auto& file : files()) file->close();
}

}  // namespace tlsmgr
