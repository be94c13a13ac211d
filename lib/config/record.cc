#include "lib/config/record.h"

#include <algorithm>

namespace config {

const Record* find_record(std::string_view name) {
  const std::span<const Record> all = records();
  const auto found = std::ranges::lower_bound(all, name, {}, &Record::name);
  return found != all.end() && found->name() == name ? &*found : nullptr;
}

const Record* find_service_record(std::string_view name) {
  const Record* best = nullptr;
  for (const Record& record : service_records()) {
    if (name.size() <= record.name().size() || !name.ends_with(record.name())) continue;
    if (best == nullptr || record.name().size() > best->name().size()) best = &record;
  }
  return best;
}

const Record* limits_of(std::string_view name) {
  const Record* const record = find_record(name);
  return record != nullptr ? record : find_service_record(name);
}

}  // namespace config
