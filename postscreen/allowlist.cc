#include "postscreen/allowlist.h"

#include "lib/log/log.h"

namespace postscreen {
namespace {

constexpr std::string_view parameter = "postscreen_cache_map";

}  // namespace

Results Allowlist::look_up(const std::string& address) const {
  if (!cache_) return {};
  const auto found = cache_->lookup(address);
  if (!found) maillog::warning("{}: {}", parameter, found.error().message());
  if (!found || !*found) return {};
  const auto results = Results::parse(**found);
  if (!results) maillog::warning("{}: bad entry of {}: {}", parameter, address, **found);
  return results.value_or(Results());
}

void Allowlist::store(const std::string& address, const Results& results) {
  if (!cache_) return;
  if (const auto stored = cache_->put(address, results.text()); !stored) {
    maillog::warning("{}: {}", parameter, stored.error().message());
  }
}

void Allowlist::clean_regularly() {
  if (!cache_) return;
  cache_->clean_regularly([this](std::string_view, std::string_view value) {
    const auto results = Results::parse(value);
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.stamp().time_since_epoch());
    return results && results->last() + retention_.count() >= now.count();
  });
}

void Allowlist::close() {
  if (cache_) cache_->close();
  cache_.reset();
}

}  // namespace postscreen
