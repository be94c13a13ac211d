#include "commands/postconf/known.h"

#include <algorithm>

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include "commands/postconf/service_options.h"
#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/config/expand.h"
#include "lib/config/record.h"

namespace postconf {

namespace {

constexpr std::string_view blanks = ", \t\r\n";

bool is_name_char(char c) { return ascii::is_alnum(c) || c == '_'; }

bool is_builtin(std::string_view name) {
  const config::Record* const record = config::find_record(name);
  return record != nullptr && !record->is_legacy;
}

bool is_legacy(std::string_view name) {
  const config::Record* const record = config::find_record(name);
  return record != nullptr && record->is_legacy;
}

const config::Entry* find_in(std::span<const config::Entry> entries, std::string_view name) {
  const auto found = std::ranges::find_if(entries, [&](const config::Entry& e) { return e.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

// Databases whose old form has its settings in main.cf.
constexpr std::string_view common_suffixes[] = {"query",  "query_filter",     "result_format", "domain",
                                                "expansion_limit", "dbname", "hosts",         "user",
                                                "password"};
constexpr std::string_view sql_suffixes[] = {"table", "select_field", "where_field", "additional_conditions",
                                             "select_function", "option_file", "option_group", "encoding", "charset",
                                             "idle_interval", "retry_interval", "require_result_set", "dbpath",
                                             "tls_cert_file", "tls_key_file", "tls_CAfile", "tls_CApath", "tls_ciphers",
                                             "tls_verify_cert"};
constexpr std::string_view ldap_suffixes[] = {
    "server_host", "server_port", "search_base", "timeout", "result_filter", "result_attribute",
    "special_result_attribute", "terminal_result_attribute", "leaf_result_attribute", "scope", "bind", "bind_dn", "bind_pw",
    "cache", "cache_expiry", "cache_size", "size_limit", "recursion_limit", "dereference", "chase_referrals", "debuglevel",
    "version", "start_tls", "tls_ca_cert_file", "tls_ca_cert_dir", "tls_cert", "tls_key", "tls_require_cert",
    "tls_random_file", "tls_cipher_suite", "sasl_mechs", "sasl_realm", "sasl_authz_id", "sasl_minssf"};
constexpr std::string_view memcache_suffixes[] = {"memcache", "backup", "flags", "ttl", "key_format", "line_size_limit",
                                                  "data_size_limit", "max_try", "retry_pause", "timeout"};

std::vector<std::string_view> database_suffixes(std::string_view type) {
  std::vector<std::string_view> suffixes(std::begin(common_suffixes), std::end(common_suffixes));
  const auto add = [&](auto& more) { suffixes.insert(suffixes.end(), std::begin(more), std::end(more)); };
  if (type == "ldap") add(ldap_suffixes);
  else if (type == "mysql" || type == "pgsql" || type == "sqlite") add(sql_suffixes);
  else if (type == "memcache") add(memcache_suffixes);
  else suffixes.clear();
  return suffixes;
}

// The words of all settings of main.cf and master.cf, for what is looked for in any value.
template <class Visit>
void for_each_value(const config::Main& main, std::span<const config::MasterLine> services, Visit visit) {
  for (const config::Entry& entry : main.entries()) visit(entry.value);
  for (const config::MasterLine& line : services) {
    for (const config::Entry& entry : settings_of(line)) visit(entry.value);
  }
}

}  // namespace

std::vector<std::string> references(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t i = text.find('$'); i < text.size(); i = text.find('$', i)) {
    ++i;
    if (i < text.size() && text[i] == '$') {
      ++i;
      continue;
    }
    if (i < text.size() && (text[i] == '{' || text[i] == '(')) ++i;
    while (i < text.size() && ascii::is_space(text[i])) ++i;
    const std::size_t start = i;
    while (i < text.size() && is_name_char(text[i])) ++i;
    // "domain_to_ascii{" is a function.
    if (i > start && !(i < text.size() && text[i] == '{')) names.emplace_back(text.substr(start, i - start));
  }
  return names;
}

Known::Known(const config::Main& main, std::span<const config::MasterLine> services) : main_(main), services_(services) {
  find_service_names();
  find_user_names();
}

void Known::find_service_names() {
  for (const config::MasterLine& line : services_) {
    for (const config::Record& record : config::service_records()) {
      const auto users = ascii::split(record.users(), blanks);
      if (std::ranges::find(users, line.command.front()) == users.end()) continue;
      std::string name = line.fields[0] + std::string(record.name());
      if (!is_builtin(name)) service_names_.insert(std::move(name));
    }
  }
}

void Known::find_user_names() {
  const std::span<const config::Entry> none;
  for (const config::Entry& entry : main_.entries()) {
    if (is_builtin(entry.name) || service_names_.contains(entry.name)) take_references(entry.value, none);
  }
  // Defaults refer to old names.
  for (const config::Entry& entry : main_.entries()) {
    if (is_legacy(entry.name) && user_names_.insert(entry.name).second) take_references(entry.value, none);
  }
  for (const config::MasterLine& line : services_) {
    const std::vector<config::Entry> settings = settings_of(line);
    for (const config::Entry& entry : settings) {
      if (is_builtin(entry.name)) take_references(entry.value, settings);
    }
  }
  const auto take_classes = [this](std::string_view value) {
    for (const std::string_view word : ascii::split(value, blanks)) {
      const config::Entry* const entry = main_.find(word);
      if (entry != nullptr && user_names_.insert(entry->name).second) take_references(entry->value, {});
    }
  };
  if (const config::Entry* const classes = main_.find("smtpd_restriction_classes")) take_classes(classes->value);
  for_each_value(main_, services_, [this](std::string_view value) { find_database_names(value); });
}

void Known::find_database_names(std::string_view value) {
  for (std::string_view word : ascii::split(value, ", \t\r\n{}")) {
    if (word.starts_with("proxy:")) word.remove_prefix(6);
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = word.substr(colon + 1);
    if (name.empty() || name.front() == '/' || name.front() == '.') continue;
    for (const std::string_view suffix : database_suffixes(word.substr(0, colon))) {
      const config::Entry* const entry = main_.find(fmt::format("{}_{}", name, suffix));
      if (entry != nullptr && user_names_.insert(entry->name).second) take_references(entry->value, {});
    }
  }
}

void Known::take_references(std::string_view text, std::span<const config::Entry> local) {
  for (const std::string& name : references(text)) {
    if (is_builtin(name) || service_names_.contains(name)) continue;
    const config::Entry* entry = find_in(local, name);
    if (entry == nullptr) entry = main_.find(name);
    if (entry != nullptr && user_names_.insert(name).second) take_references(entry->value, local);
  }
}

bool Known::contains(std::string_view name, const Classes& classes) const {
  return (classes.builtin && is_builtin(name)) || (classes.service && service_names_.contains(name)) ||
         (classes.user && user_names_.contains(name) && main_.find(name) != nullptr);
}

std::vector<std::string> Known::names(const Classes& classes) const {
  std::vector<std::string> names;
  if (classes.builtin) {
    for (const config::Record& record : config::records()) {
      if (!record.is_legacy) names.emplace_back(record.name());
    }
  }
  if (classes.service) names.insert(names.end(), service_names_.begin(), service_names_.end());
  if (classes.user) {
    std::ranges::copy_if(user_names_, std::back_inserter(names), [&](const auto& name) { return main_.find(name) != nullptr; });
  }
  std::ranges::sort(names);
  return names;
}

bool Known::is_defined(std::string_view name, std::span<const config::Entry> local) const {
  return config::find_record(name) != nullptr || service_names_.contains(name) || main_.find(name) != nullptr ||
         find_in(local, name) != nullptr;
}

namespace {

// "name = value # text": main.cf has no comments behind text. Shows the first word of the comment and some of the rest.
void add_comment_warning(std::string_view file, std::string_view value, std::vector<std::string>& warnings) {
  std::size_t at = value.starts_with('#') ? 0 : std::string_view::npos;
  for (std::size_t i = 1; at == std::string_view::npos && i < value.size(); ++i) {
    if (value[i] == '#' && ascii::is_space(value[i - 1])) at = i;
  }
  if (at == std::string_view::npos) return;
  const std::string_view comment = value.substr(at);
  const std::size_t end = std::min(comment.find_first_of(" \t"), comment.size());
  constexpr std::size_t shown = 20;
  warnings.push_back(fmt::format("{}: #comment after other text is not allowed: {} {}...", file, comment.substr(0, end),
                                 ascii::trim(comment.substr(end)).substr(0, shown)));
}

// A database table's own file that cannot be opened: its parameters are not seen.
void add_database_warnings(std::string_view value, std::vector<std::string>& warnings) {
  for (std::string_view word : ascii::split(value, ", \t\r\n{}")) {
    if (word.starts_with("proxy:")) word.remove_prefix(6);
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos || database_suffixes(word.substr(0, colon)).empty()) continue;
    const std::string path(word.substr(colon + 1));
    if (!path.starts_with('/')) continue;
    if (const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC)); !file) {
      const base::Error error = base::Error::system(
          fmt::format("open \"{}\" configuration \"{}\"", word.substr(0, colon), path));
      warnings.push_back(error.message());
    }
  }
}

// What keeps a text from being expanded at all; a loop and the like show when it is. Returns whether there is such.
bool add_syntax_warning(std::string_view text, std::vector<std::string>& warnings) {
  const config::Lookup nothing = [](std::string_view) -> Result<std::optional<std::string>> { return std::nullopt; };
  const auto parsed = config::expand(text, nothing, config::Values::verbatim);
  if (parsed || parsed.error().message().contains("compatibility level")) return false;
  warnings.push_back(parsed.error().message());
  return true;
}

}  // namespace

std::vector<std::string> Known::warnings_before() const {
  std::vector<std::string> warnings;
  const std::string main_file = main_.directory() + "/main.cf";
  const std::string master_file = main_.directory() + "/master.cf";
  const auto add_undefined = [&](std::string_view file, std::string_view value, std::span<const config::Entry> local) {
    for (const std::string& name : references(value)) {
      if (!is_defined(name, local)) warnings.push_back(fmt::format("{}: undefined parameter: {}", file, name));
    }
  };
  const auto is_raw = [](std::string_view name) {
    const config::Record* const record = config::limits_of(name);
    return record != nullptr && record->type == config::Type::raw;
  };
  for (const config::Entry& entry : main_.entries()) {
    if (is_raw(entry.name)) continue;
    if (!add_syntax_warning(entry.value, warnings)) add_undefined(main_file, entry.value, {});
    add_database_warnings(entry.value, warnings);
  }
  for (const config::MasterLine& line : services_) {
    const std::vector<config::Entry> settings = settings_of(line);
    for (const config::Entry& entry : settings) {
      if (is_raw(entry.name)) continue;
      if (!add_syntax_warning(entry.value, warnings)) add_undefined(master_file, entry.value, settings);
    }
  }
  for (const config::Entry& entry : main_.entries()) add_comment_warning(main_file, entry.value, warnings);
  return warnings;
}

std::vector<std::string> Known::warnings_after(const Options& options) const {
  std::vector<std::string> warnings;
  const auto examine = [&](const std::string& file, const config::Entry& entry) {
    if (options.quiet) return;
    if (!is_builtin(entry.name) && !service_names_.contains(entry.name) && !user_names_.contains(entry.name)) {
      warnings.push_back(fmt::format("{}: unused parameter: {}={}", file, entry.name, entry.value));
    }
    const config::Record* const record = config::find_record(entry.name);
    if (record == nullptr || record->obsolete().empty()) return;
    warnings.push_back(fmt::format("{}: support for parameter \"{}\" will be removed; instead, {}", file, entry.name,
                                   record->obsolete()));
  };
  if (options.subject == Subject::parameters) {
    for (const config::Entry& entry : main_.entries()) examine(main_.directory() + "/main.cf", entry);
  }
  for (const config::MasterLine& line : services_) {
    for (const config::Entry& entry : settings_of(line)) examine(main_.directory() + "/master.cf", entry);
  }
  return warnings;
}

}  // namespace postconf
