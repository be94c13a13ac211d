#include "lib/mail/probe_sender.h"

#include <algorithm>
#include <cstdint>

namespace mail {
namespace {

// The number of the period, in digits that make no words.
std::string mark_of(std::chrono::seconds now, std::chrono::seconds lifetime) {
  constexpr std::string_view digits = "0123456789BCDFGHJKLMNPQRSTVWXYZ";
  std::string mark;
  auto number = static_cast<std::uint64_t>(std::max(now, std::chrono::seconds(0)) / lifetime);
  do {
    mark.insert(mark.begin(), digits[number % digits.size()]);
    number /= digits.size();
  } while (number > 0);
  return mark;
}

}  // namespace

std::string probe_sender(std::string_view configured, std::chrono::seconds lifetime, Stamp now) {
  std::string address(configured == "<>" ? std::string_view() : configured);
  if (address.empty() || lifetime.count() <= 0) return address;
  const std::size_t at = std::min(address.rfind('@'), address.size());
  return address.insert(at, mark_of(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()), lifetime));
}

}  // namespace mail
