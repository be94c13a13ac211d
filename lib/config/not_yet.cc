#include "lib/config/not_yet.h"

#include <algorithm>

#include <fmt/core.h>

#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/lacking.h"
#include "lib/config/restriction_names.h"

namespace config {

namespace {

std::string one_line(std::string_view text) {
  std::string line;
  for (const std::string_view word : ascii::split(text, " \t\r\n")) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

// What cannot be expanded is compared and shown as it is written; the loader of its parameter tells what is wrong.
std::string expanded(const Main& main, std::string_view text) {
  auto result = main.expand_text(text);
  return result ? one_line(*result) : one_line(text);
}

bool names_program(std::string_view users, std::string_view program) {
  const auto words = ascii::split(users, ", ");
  return std::ranges::find(words, program) != words.end();
}

// What is not built does nothing: who wants nothing has it.
bool asks_for_nothing(std::string_view value) { return value.empty() || ascii::equal_ignoring_case(value, "no"); }

// A value that asks for less than what the record protects.
bool is_harmless(const Record& record, std::string_view value) {
  const auto harmless = ascii::split(record.harmless(), ", ");
  return std::ranges::any_of(harmless, [&](std::string_view one) { return ascii::equal_ignoring_case(one, value); });
}

class Collector {
 public:
  explicit Collector(std::vector<NotYet>& found) : found_(found) {}

  // `main` gives the values of the macros in `value`.
  void examine(const Main& main, std::string_view name, std::string_view value, const std::string& where) {
    if (is_restriction_list(name) || is_class(main, name)) return examine_restrictions(main, name, value, where);
    const Record* const record = limits_of(name);
    if (record != nullptr) examine_words(main, *record, name, value, where);
    if (record == nullptr || record->status != Status::not_yet) return;
    const std::string wanted = expanded(main, value);
    if (asks_for_nothing(wanted)) return;
    if (one_line(value) == one_line(record->default_text()) || wanted == expanded(main, record->default_text())) return;
    found_.push_back({where, std::string(name), one_line(value), std::string(record->users()),
                      record->protects && !is_harmless(*record, wanted)});
  }

 private:
  void examine_words(const Main& main, const Record& record, std::string_view name, std::string_view value,
                     const std::string& where) {
    const std::string wanted = expanded(main, value);
    if (wanted == one_line(record.default_text())) return;
    for (const std::string_view item : ascii::split(wanted, ", ")) {
      for (const LackingValue& one : lacking_values()) {
        if (one.parameter != name || !ascii::equal_ignoring_case(one.value, item)) continue;
        found_.push_back({where, std::string(name), std::string(item), std::string(one.users), false});
      }
    }
  }

  // A list that the administrator has given a name.
  static bool is_class(const Main& main, std::string_view name) {
    const std::string classes = main.expand("smtpd_restriction_classes").value_or("");
    const auto names = list_items(classes);
    return std::ranges::find(names, name) != names.end();
  }

  // Names that are no restriction are smtpd's to complain of.
  void examine_restrictions(const Main& main, std::string_view name, std::string_view value, const std::string& where) {
    const std::string list = expanded(main, value);
    for (const std::string_view item : list_items(list)) {
      const RestrictionName* const restriction = find_restriction_name(item);
      if (restriction == nullptr || restriction->honoured) continue;
      found_.push_back({where, std::string(name), std::string(item), "smtpd", true});
    }
  }

  std::vector<NotYet>& found_;
};

}  // namespace

std::string NotYet::text() const {
  if (!protects) return fmt::format("{}: {} = {} is not yet honoured", where, name, value);
  return fmt::format("{}: {} = {} is not yet honoured: mail is refused rather than handled without it", where, name,
                     value);
}

bool NotYet::refuses(std::string_view program) const { return protects && names_program(users, program); }

std::vector<NotYet> not_yet(const Main& main) {
  std::vector<NotYet> found;
  Collector collector(found);
  for (const Entry& entry : main.entries()) collector.examine(main, entry.name, entry.value, entry.where());
  return found;
}

std::vector<NotYet> not_yet(const Main& main, std::span<const MasterEntry> services) {
  std::vector<NotYet> found = not_yet(main);
  Collector collector(found);
  for (const MasterEntry& service : services) {
    Main own = main.with("service_name", service.name);
    const std::vector<std::string> overrides = service.overrides();
    for (const std::string& text : overrides) {
      if (const auto setting = parse_setting(text)) own.set(setting->name, setting->value);
    }
    for (const std::string& text : overrides) {
      if (const auto setting = parse_setting(text)) {
        collector.examine(own, setting->name, setting->value, service.where());
      }
    }
  }
  return found;
}

std::vector<std::string> not_installed(std::string_view daemon_directory, std::span<const MasterEntry> services) {
  std::vector<std::string> texts;
  for (const MasterEntry& service : services) {
    if (access(fmt::format("{}/{}", daemon_directory, service.program).c_str(), X_OK) == 0) continue;
    texts.push_back(fmt::format("{}: service {}: program {} is not installed", service.where(), service.label(),
                                service.program));
  }
  return texts;
}

std::vector<NotYet> refusals(const Main& main, std::string_view program) {
  std::vector<NotYet> found = not_yet(main);
  std::erase_if(found, [&](const NotYet& one) { return !one.refuses(program); });
  return found;
}

}  // namespace config
