#include "smtpd/counters.h"

#include <fmt/format.h>

namespace smtpd {

void Counters::count(std::size_t command, bool succeeded) {
  if (counts_.size() <= command) counts_.resize(command + 1);
  ++counts_[command].total;
  if (succeeded) ++counts_[command].succeeded;
}

void Counters::append(std::string& out, std::string_view label, Count count) {
  if (count.succeeded == count.total && count.total > 0) out += fmt::format(" {}={}", label, count.total);
  else out += fmt::format(" {}={}/{}", label, count.succeeded, count.total);
}

}  // namespace smtpd
