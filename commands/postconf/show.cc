#include "commands/postconf/show.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/core.h>

#include "commands/postconf/layout.h"
#include "commands/postconf/selection.h"
#include "commands/postconf/service_options.h"
#include "lib/config/record.h"
#include "lib/log/log.h"

namespace postconf {

namespace {

// Raw parameters are expanded by the programs that use them.
bool is_raw(std::string_view name) {
  const config::Record* const record = config::limits_of(name);
  return record != nullptr && record->type == config::Type::raw;
}

// With -n, what somebody has set.
bool is_set(const Options& options, const config::Main& main, std::string_view name) {
  return main.find(name) != nullptr || (name == "config_directory" && options.directory_given);
}

// What is wrong with a macro is a warning of its own, as everywhere in postconf.
Result<std::string> expand(const config::Main& main, std::string_view value) {
  auto expanded = main.expand_text(value);
  if (expanded) return expanded;
  maillog::warning("{}", expanded.error().message());
  return base::fail("macro processing error");
}

Result<std::string> value_of(const Options& options, const config::Main& main, const std::string& name) {
  if (name == "config_directory") {
    if (options.show == Show::defaults) return std::string(config::default_directory);
    if (const config::Entry* const entry = main.find(name)) return entry->value;
  }
  const std::string value = TRY(main.get(name)).value_or(std::string());
  if (!options.expand || is_raw(name)) return value;
  return expand(main, value);
}

Result<void> show_service(const Options& options, const config::Main& main, const Selection& selection,
                          const config::MasterLine& line, Answer& answer) {
  const std::string label = fmt::format("{}/{}", line.fields[0], line.fields[1]);
  std::vector<config::Entry> settings = settings_of(line);
  config::Main service_main = main;
  for (const config::Entry& entry : settings) service_main.set(entry.name, entry.value);
  service_main.set("service_name", line.fields[0]);
  config::MasterLine shown = line;
  for (config::Entry& entry : settings) {
    if (!options.expand || is_raw(entry.name)) continue;
    entry.value = TRY(expand(service_main, entry.value));
    set_setting(shown, entry.name, entry.value);
  }
  if (options.subject == Subject::services) {
    answer.output += options.json ? json_service(shown) : service(shown, options.fold);
    return {};
  }
  if (options.subject == Subject::fields) {
    for (std::size_t i = 0; i < std::size(field_names); ++i) {
      if (!selection.matches_member(field_names[i])) continue;
      const std::string name = fmt::format("{}/{}", label, field_names[i]);
      answer.output += i < line.fields.size() ? setting(options, name, line.fields[i]) : command_setting(options, name, shown);
    }
    return {};
  }
  for (std::size_t i = 0; i < settings.size(); ++i) settings[i].line = static_cast<int>(i);
  std::ranges::sort(settings, {}, [](const config::Entry& entry) { return std::tie(entry.name, entry.line); });
  for (const config::Entry& entry : settings) {
    if (!selection.matches_member(entry.name)) continue;
    answer.output += setting(options, fmt::format("{}/{}", label, entry.name), entry.value);
  }
  return {};
}

Result<Selection> parse_selection(Subject subject, std::string_view text) {
  switch (subject) {
    case Subject::services: return Selection::parse(text, 1, 2, "-M option requires service_name[/type]");
    case Subject::fields: {
      Selection selection = TRY(Selection::parse(text, 1, 3, "-F option requires service_name[/type[/field]]"));
      if (selection.member() != "*") static_cast<void>(TRY(field_number(selection.member())));
      return selection;
    }
    case Subject::service_parameters:
      return Selection::parse(text, 1, 3, "-P option requires service_name[/type[/parameter]]");
    case Subject::parameters:
    case Subject::table_types:
    case Subject::lock_types:
    case Subject::server_sasl:
    case Subject::client_sasl:
    case Subject::templates:
    case Subject::expanded_templates:
    case Subject::tls: break;
  }
  return base::fail("no selection of services");
}

bool has_member(Subject subject, const Selection& selection, const config::MasterLine& line) {
  if (subject != Subject::service_parameters) return true;
  const auto settings = settings_of(line);
  return std::ranges::any_of(settings, [&](const auto& entry) { return selection.matches_member(entry.name); });
}

}  // namespace

Result<Answer> show_parameters(const Options& options, const config::Main& main, const Known& known) {
  Answer answer;
  const std::vector<std::string> names = options.names.empty() ? known.names(options.classes) : options.names;
  for (const std::string& name : names) {
    if (!known.contains(name, options.classes)) {
      answer.warnings.push_back(fmt::format("{}: unknown parameter", name));
      continue;
    }
    if (options.show == Show::set && !is_set(options, main, name)) continue;
    answer.output += setting(options, name, options.without_values ? std::string() : TRY(value_of(options, main, name)));
  }
  return answer;
}

Result<Answer> show_services(const Options& options, const config::Main& main,
                             std::span<const config::MasterLine> services) {
  Answer answer;
  std::vector<Selection> selections;
  for (const std::string& name : options.names) selections.push_back(TRY(parse_selection(options.subject, name)));
  const bool all = selections.empty();
  if (all) selections.push_back(TRY(Selection::parse("*/*", 2, 2, "")));
  std::set<std::string> matched;
  for (const config::MasterLine& line : services) {
    for (const Selection& selection : selections) {
      if (!selection.matches(line) || !has_member(options.subject, selection, line)) continue;
      matched.insert(selection.text());
      TRY(show_service(options, main, selection, line, answer));
    }
  }
  for (const Selection& selection : selections) {
    if (all || matched.contains(selection.text())) continue;
    answer.warnings.push_back(fmt::format("unmatched request: \"{}\"", selection.text()));
  }
  return answer;
}

}  // namespace postconf
