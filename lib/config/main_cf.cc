#include "lib/config/main_cf.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <tuple>

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/config/computed.h"
#include "lib/config/expand.h"
#include "lib/config/file.h"
#include "lib/config/logical_lines.h"
#include "lib/config/value.h"
#include "lib/io/file.h"

namespace config {

namespace {

using base::fail;

// Debian: these two may be the name of a file whose first line is the value.
bool may_name_a_file(std::string_view name) { return name == "myhostname" || name == "myorigin"; }

Result<std::string> first_line_of(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return base::fail_system(path + ": cannot open file");
  const std::string text = TRY(io::read_file(path, max_file_size));
  const std::string_view line = ascii::trim(std::string_view(text).substr(0, text.find('\n')));
  if (line.empty()) return fail(fmt::format("{}: the first line is empty", path));
  return std::string(line);
}

}  // namespace

std::string Entry::where() const {
  if (file.empty()) return fmt::format("-o {}={}", name, value);
  return fmt::format("{}, line {}", file, line);
}

std::string config_directory_from_environment() {
  const char* const set = std::getenv("MAIL_CONFIG");
  return set != nullptr && *set != '\0' ? std::string(set) : std::string(default_directory);
}

Result<Entry> parse_setting(std::string_view text) {
  const std::string_view trimmed = ascii::trim(text);
  const std::size_t equals = trimmed.find('=');
  const std::string_view name = ascii::trim(trimmed.substr(0, equals));
  if (name.empty()) return fail(fmt::format("missing attribute name: \"{}\"", trimmed));
  if (equals == std::string_view::npos || std::ranges::any_of(name, ascii::is_space)) {
    return fail(fmt::format("missing '=' after attribute name: \"{}\"", trimmed));
  }
  return Entry{std::string(name), std::string(ascii::trim(trimmed.substr(equals + 1))), {}, 0};
}

Result<std::vector<Entry>> parse_main_cf(std::string_view text, std::string_view file) {
  std::vector<Entry> entries;
  for (const LogicalLine& line : logical_lines(text)) {
    if (line.is_stray) continue;
    auto entry = parse_setting(line.text);
    if (!entry) return fail(fmt::format("{}, line {}: {}", file, line.last, entry.error().message()));
    entry->file = file;
    entry->line = line.first;
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<Main> Main::read(std::string directory, std::span<const std::string> overrides) {
  const std::string path = directory + "/main.cf";
  return parse(TRY(io::read_file(path, max_file_size)), std::move(directory), overrides);
}

Result<Main> Main::parse(std::string_view text, std::string directory, std::span<const std::string> overrides) {
  Main main;
  std::vector<Entry> read = TRY(parse_main_cf(text, directory + "/main.cf"));
  main.directory_ = std::move(directory);
  for (const LogicalLine& line : logical_lines(text)) {
    if (line.is_stray) main.warnings_.push_back(stray_line_text(main.directory_ + "/main.cf", line));
  }
  std::ranges::sort(read, {}, [](const Entry& entry) { return std::tie(entry.name, entry.line); });
  std::vector<std::pair<int, std::string>> replaced;  // by the line that replaces
  for (Entry& entry : read) {
    if (main.entries_.empty() || main.entries_.back().name != entry.name) {
      main.entries_.push_back(std::move(entry));
      continue;
    }
    const Entry earlier = std::exchange(main.entries_.back(), std::move(entry));
    const Entry& later = main.entries_.back();
    replaced.emplace_back(later.line, fmt::format("{}: overriding earlier entry: {}={}", later.where(), earlier.name,
                                                  earlier.value));
  }
  std::ranges::sort(replaced);
  for (auto& [line, text_of_it] : replaced) main.warnings_.push_back(std::move(text_of_it));
  for (const std::string& override : overrides) {
    const Entry entry = TRY(parse_setting(override));
    main.set(entry.name, entry.value);
  }
  return main;
}

void Main::set(std::string_view name, std::string_view value) {
  const auto place = std::ranges::lower_bound(entries_, name, {}, [](const Entry& e) -> std::string_view { return e.name; });
  Entry entry{std::string(name), std::string(value), {}, 0};
  if (place != entries_.end() && place->name == name) {
    *place = std::move(entry);
  } else {
    entries_.insert(place, std::move(entry));
  }
}

Main Main::with(std::string_view name, std::string_view value) const {
  Main copy = *this;
  copy.set(name, value);
  return copy;
}

const Entry* Main::find(std::string_view name) const {
  const auto place = std::ranges::lower_bound(entries_, name, {}, [](const Entry& e) -> std::string_view { return e.name; });
  return place != entries_.end() && place->name == name ? &*place : nullptr;
}

Result<std::optional<std::string>> Main::look_up(std::string_view name) const {
  // config_directory is where main.cf was read, whatever it says itself.
  if (name == "config_directory") return directory_;
  if (const Entry* const entry = find(name)) {
    if (may_name_a_file(name) && entry->value.starts_with('/')) return TRY(first_line_of(entry->value));
    return entry->value;
  }
  if (const Record* const record = find_record(name)) {
    if (!record->computed) return std::string(record->default_text());
    if (name == "myhostname") return computed_hostname(*this);
    if (name == "mydomain") return TRY(computed_domain(*this));
    if (name == "mynetworks") return TRY(computed_networks(*this));
    if (name == "process_id") return std::to_string(getpid());
    if (name == "process_name") return std::string(program_invocation_short_name);
    return std::string();
  }
  if (const Record* const record = find_service_record(name)) return std::string(record->default_text());
  return std::nullopt;
}

Result<std::optional<std::string>> Main::get(std::string_view name) const {
  if (const Entry* const entry = find(name); entry != nullptr && name != "config_directory") return entry->value;
  return look_up(name);
}

Result<std::string> Main::expand(std::string_view name) const {
  auto value = TRY(look_up(name));
  if (!value) return std::string();
  auto expanded = expand_text(*value);
  if (!expanded) return base::Failure(std::move(expanded).error().within(name));
  return expanded;
}

Result<std::string> Main::expand_text(std::string_view text) const {
  return config::expand(text, [this](std::string_view name) { return look_up(name); }, Values::expanded);
}

Result<bool> Main::boolean(std::string_view name) const {
  return parse_boolean(name, TRY(expand(name)));
}

Result<int> Main::integer(std::string_view name) const {
  const std::string text = TRY(expand(name));
  return static_cast<int>(TRY(parse_integer(limits_of(name), name, text, INT_MAX)));
}

Result<long> Main::long_integer(std::string_view name) const {
  return parse_integer(limits_of(name), name, TRY(expand(name)), LONG_MAX);
}

Result<std::chrono::seconds> Main::time(std::string_view name) const {
  return parse_time(limits_of(name), name, TRY(expand(name)));
}

Result<std::string> Main::string(std::string_view name) const {
  return check_length(limits_of(name), name, TRY(expand(name)));
}

Result<std::string> Main::raw(std::string_view name) const {
  return check_length(limits_of(name), name, TRY(get(name)).value_or(std::string()));
}

}  // namespace config
