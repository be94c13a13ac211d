#include <fmt/core.h>

#include <unistd.h>

#include "commands/postfix/mistakes.h"
#include "lib/config/interfaces.h"
#include "lib/config/record.h"

namespace postfix {
namespace {

// What the program that reads it would say, or nothing.
Result<void> read_typed(const config::Main& main, const config::Record& record, const std::string& name) {
  switch (record.type) {
    case config::Type::boolean: static_cast<void>(TRY(main.boolean(name))); break;
    case config::Type::integer: static_cast<void>(TRY(main.integer(name))); break;
    case config::Type::long_integer: static_cast<void>(TRY(main.long_integer(name))); break;
    case config::Type::time: static_cast<void>(TRY(main.time(name))); break;
    case config::Type::string: static_cast<void>(TRY(main.string(name))); break;
    case config::Type::raw: static_cast<void>(TRY(main.raw(name))); break;
  }
  return {};
}

void examine_entry(const config::Main& main, const config::Entry& entry, const std::string& where, Mistakes& mistakes) {
  const config::Record* const record = config::limits_of(entry.name);
  if (record == nullptr) return;
  const auto read = read_typed(main, *record, entry.name);
  if (read) return;
  // Every program reads these, and ends when it cannot.
  if (record->users().contains("lib:global")) {
    mistakes.add_fatal(where, read.error().message());
  } else {
    mistakes.add(where, read.error().message());
  }
}

}  // namespace

void examine_values(const Examined& examined, Mistakes& mistakes) {
  for (const config::Entry& entry : examined.main.entries()) examine_entry(examined.main, entry, entry.where(), mistakes);
  for (const config::MasterEntry& service : examined.services) {
    const std::vector<std::string> overrides = service.overrides();
    config::Main own = examined.main.with("service_name", service.name);
    std::vector<config::Entry> settings;
    for (const std::string& text : overrides) {
      if (auto setting = config::parse_setting(text)) settings.push_back(std::move(*setting));
    }
    for (const config::Entry& setting : settings) own.set(setting.name, setting.value);
    for (const config::Entry& setting : settings) examine_entry(own, setting, service.where(), mistakes);
  }
  if (const config::Entry* const entry = examined.main.find("bounce_template_file")) {
    const std::string path = examined.main.expand(entry->name).value_or("");
    if (!path.empty() && ::access(path.c_str(), R_OK) != 0) {
      mistakes.add(entry->where(), fmt::format("{}: {}", entry->name, base::Error::system("open " + path).message()));
    }
  }
  if (const auto used = config::used_interfaces(examined.main); !used) {
    const config::Entry* entry = examined.main.find("inet_interfaces");
    if (used.error().message().contains("inet_protocols")) entry = examined.main.find("inet_protocols");
    if (entry != nullptr) mistakes.add_fatal(entry->where(), used.error().message());
  }
}

}  // namespace postfix
