#include "lib/config/members.h"

namespace config {

Result<void> read_into(const Main& main, std::string_view name, bool& value) {
  value = TRY(main.boolean(name));
  return {};
}

Result<void> read_into(const Main& main, std::string_view name, int& value) {
  value = TRY(main.integer(name));
  return {};
}

Result<void> read_into(const Main& main, std::string_view name, long& value) {
  value = TRY(main.long_integer(name));
  return {};
}

Result<void> read_into(const Main& main, std::string_view name, std::chrono::seconds& value) {
  value = TRY(main.time(name));
  return {};
}

Result<void> read_into(const Main& main, std::string_view name, std::string& value) {
  value = TRY(main.string(name));
  return {};
}

Result<void> read_raw_into(const Main& main, std::string_view name, std::string& value) {
  value = TRY(main.raw(name));
  return {};
}

}  // namespace config
