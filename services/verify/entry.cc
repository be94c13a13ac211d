#include "services/verify/entry.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace verify {
namespace {

constexpr std::uint64_t time_limit = std::uint64_t{1} << 33;  // seconds since 1970

bool is_positive(ipc::VerifyState state) { return state == ipc::VerifyState::deliverable; }

// Takes what is before the first colon.
std::optional<std::uint64_t> take_number(std::string_view& text, std::uint64_t limit) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto number = ascii::parse_number(text.substr(0, colon), limit);
  text.remove_prefix(colon + 1);
  return number;
}

}  // namespace

std::optional<Entry> Entry::parse(std::string_view text) {
  const auto state = take_number(text, static_cast<std::uint64_t>(ipc::VerifyState::todo));
  const auto probed = take_number(text, time_limit), updated = take_number(text, time_limit);
  if (!state || !probed || !updated) return std::nullopt;
  return Entry{.state = static_cast<ipc::VerifyState>(*state),
               .probed = std::chrono::seconds(*probed),
               .updated = std::chrono::seconds(*updated),
               .text = std::string(text)};
}

std::string Entry::format() const {
  return fmt::format("{}:{}:{}:{}", static_cast<int>(state), probed.count(), updated.count(), text);
}

bool Entry::is_expired(const Times& times, std::chrono::seconds now) const {
  if (updated.count() == 0 || state == ipc::VerifyState::todo) return true;
  return now > updated + (is_positive(state) ? times.positive_expire : times.negative_expire);
}

bool Entry::is_stale(const Times& times, std::chrono::seconds now) const {
  if (is_expired(times, now)) return true;
  return now > updated + (is_positive(state) ? times.positive_refresh : times.negative_refresh);
}

}  // namespace verify
