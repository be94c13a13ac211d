#include "lib/config/master_cf.h"

#include <algorithm>
#include <climits>
#include <optional>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/config/file.h"
#include "lib/config/level.h"
#include "lib/config/logical_lines.h"
#include "lib/config/main_cf.h"
#include "lib/io/file.h"

namespace config {

namespace {

using base::fail;

// Postfix's names of the columns, as its messages have them.
constexpr std::string_view column_names[] = {"service name", "transport type", "private",  "unprivileged",
                                             "chroot",       "wakeup_time",    "max_proc", "command"};

struct TypeName {
  std::string_view name;
  ServiceType type;
};
constexpr TypeName type_names[] = {
    {"inet", ServiceType::inet}, {"unix", ServiceType::unix_stream}, {"unix-dgram", ServiceType::unix_datagram},
    {"fifo", ServiceType::fifo}, {"pass", ServiceType::pass},
};

// The next word; a word that begins with '{' goes on to the '}' that closes it.
std::string_view take_word(std::string_view& text, bool with_braces) {
  while (!text.empty() && ascii::is_space(text.front())) text.remove_prefix(1);
  std::size_t end = 0;
  int depth = 0;
  for (; end < text.size(); ++end) {
    if (with_braces && text[end] == '{') ++depth;
    if (with_braces && text[end] == '}' && depth > 0) --depth;
    if (depth == 0 && ascii::is_space(text[end])) break;
  }
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

struct Words {
  std::vector<std::string_view> fields;
  std::vector<std::string_view> command;
};

Words words_of(std::string_view line) {
  Words words;
  while (words.fields.size() < master_field_count) {
    const std::string_view word = take_word(line, false);
    if (word.empty()) return words;
    words.fields.push_back(word);
  }
  for (;;) {
    const std::string_view word = take_word(line, true);
    if (word.empty()) return words;
    words.command.push_back(word);
  }
}

// An argument without the braces that keep its blanks together.
Result<std::string> without_braces(std::string_view word) {
  if (!word.starts_with('{')) return std::string(word);
  int depth = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '{') ++depth;
    if (word[i] != '}' || --depth > 0) continue;
    if (i + 1 != word.size()) return fail(fmt::format("syntax error after '}}' in \"{}\"", word));
    return std::string(ascii::trim(word.substr(1, i - 1)));
  }
  return fail(fmt::format("missing '}}' in \"{}\"", word));
}

// One line on its way to an entry; every error has file and line in front.
class LineParser {
 public:
  LineParser(std::string_view file, const LogicalLine& line, const MasterDefaults& defaults)
      : file_(file), line_(line), defaults_(defaults), words_(words_of(line.text)) {}

  Result<MasterEntry> parse() {
    MasterEntry entry;
    entry.file = file_;
    entry.line = line_.first;
    entry.name = TRY(field(0));
    TRY(type(entry));
    entry.is_private = TRY(flag(2, entry.type != ServiceType::inet));
    if (entry.is_private && entry.type == ServiceType::inet) return bad("inet service cannot be private");
    if (entry.type != ServiceType::inet && entry.name.find('/') != std::string::npos) {
      return bad(fmt::format("field \"service name\": bad value: \"{}\"", entry.name));
    }
    entry.unprivileged = TRY(flag(3, true));
    entry.chroot = TRY(flag(4, defaults_.chroot));
    TRY(wakeup(entry));
    TRY(process_limit(entry));
    TRY(command(entry));
    return entry;
  }

 private:
  base::Failure bad(std::string_view message) const {
    return fail(fmt::format("{}: line {}: {}", file_, line_.first, message));
  }
  base::Failure bad_value(std::size_t column, std::string_view value) const {
    return bad(fmt::format("field \"{}\": bad value: \"{}\"", column_names[column], value));
  }

  Result<std::string> field(std::size_t column) const {
    if (column >= words_.fields.size()) return bad(fmt::format("missing \"{}\" field", column_names[column]));
    return std::string(words_.fields[column]);
  }

  Result<void> type(MasterEntry& entry) const {
    const std::string name = TRY(field(1));
    const auto* const found = std::ranges::find(type_names, name, &TypeName::name);
    if (found == std::end(type_names)) return bad(fmt::format("bad transport type: {}", name));
    entry.type = found->type;
    return {};
  }

  Result<bool> flag(std::size_t column, bool standard) const {
    const std::string text = TRY(field(column));
    if (text == "-") return standard;
    if (text == "y") return true;
    if (text == "n") return false;
    return bad_value(column, text);
  }

  Result<void> wakeup(MasterEntry& entry) const {
    std::string text = TRY(field(5));
    if (text == "-") return {};
    const std::string written = text;
    if (text.ends_with('?')) {
      entry.wakeup_when_used = true;
      text.pop_back();
    }
    const auto seconds = ascii::parse_number(text, INT_MAX);
    if (!seconds) return bad_value(5, written);
    entry.wakeup = std::chrono::seconds(*seconds);
    return {};
  }

  Result<void> process_limit(MasterEntry& entry) const {
    const std::string text = TRY(field(6));
    entry.process_limit = defaults_.process_limit;
    if (text == "-") return {};
    const auto limit = ascii::parse_number(text, INT_MAX);
    if (!limit) return bad_value(6, text);
    entry.process_limit = static_cast<int>(*limit);
    return {};
  }

  Result<void> command(MasterEntry& entry) const {
    if (words_.command.empty()) return bad(fmt::format("missing \"{}\" field", column_names[7]));
    entry.program = words_.command.front();
    // A path would let master start what is not a daemon of ours.
    if (entry.program.find('/') != std::string::npos) return bad_value(7, entry.program);
    bool in_options = true;  // up to the first word that is none; pipe(8) has other people's -o behind it
    for (std::size_t i = 1; i < words_.command.size(); ++i) {
      auto argument = without_braces(words_.command[i]);
      if (!argument) return bad(argument.error().message());
      in_options = in_options && argument->starts_with('-');
      if (!in_options) {
        entry.arguments.push_back(std::move(*argument));
        continue;
      }
      // "-oname=value" is "-o name=value".
      if (argument->starts_with("-o") && argument->size() > 2) {
        entry.arguments.emplace_back("-o");
        argument->erase(0, 2);
        TRY(option(entry, std::move(*argument)));
      } else if (*argument == "-o") {
        entry.arguments.emplace_back("-o");
        if (++i == words_.command.size()) return bad("option -o requires a name=value argument");
        auto value = without_braces(words_.command[i]);
        if (!value) return bad(value.error().message());
        TRY(option(entry, std::move(*value)));
      } else {
        entry.arguments.push_back(std::move(*argument));
      }
    }
    return {};
  }

  Result<void> option(MasterEntry& entry, std::string text) const {
    auto setting = parse_setting(text);
    if (!setting) return bad(setting.error().message());
    entry.arguments.push_back(fmt::format("{}={}", setting->name, setting->value));
    return {};
  }

  const std::string_view file_;
  const LogicalLine& line_;
  const MasterDefaults& defaults_;
  const Words words_;
};

}  // namespace

std::string_view service_type_name(ServiceType type) {
  return std::ranges::find(type_names, type, &TypeName::type)->name;
}

std::vector<std::string> MasterEntry::overrides() const {
  std::vector<std::string> found;
  for (std::size_t i = 0; i + 1 < arguments.size() && arguments[i].starts_with('-'); ++i) {
    if (arguments[i] == "-o") found.push_back(arguments[++i]);
  }
  return found;
}

std::string MasterEntry::label() const { return fmt::format("{}/{}", name, service_type_name(type)); }

std::string MasterEntry::where() const { return fmt::format("{}: line {}", file, line); }

Result<MasterDefaults> master_defaults(const Main& main) {
  const std::string text = TRY(main.expand("compatibility_level"));
  const Level level = TRY(Level::parse(text));
  return MasterDefaults{.chroot = level < Level{1, 0, 0}, .process_limit = TRY(main.integer("default_process_limit"))};
}

Result<std::vector<MasterLine>> parse_master_lines(std::string_view text, std::string_view file) {
  std::vector<MasterLine> lines;
  for (const LogicalLine& line : logical_lines(text)) {
    if (line.is_stray) return fail(stray_line_text(file, line));
    const Words words = words_of(line.text);
    if (words.command.empty()) return fail(fmt::format("file {}: line {}: bad field count", file, line.first));
    MasterLine& read = lines.emplace_back();
    read.text = line.text;
    read.line = line.first;
    std::ranges::copy(words.fields, read.fields.begin());
    read.command.assign(words.command.begin(), words.command.end());
  }
  return lines;
}

Result<std::vector<MasterEntry>> parse_master_cf(std::string_view text, std::string_view file,
                                                 const MasterDefaults& defaults) {
  std::vector<MasterEntry> entries;
  for (const LogicalLine& line : logical_lines(text)) {
    // Postfix only warns and leaves the service out; a service that is silently not there is worse than no start.
    if (line.is_stray) return fail(stray_line_text(file, line));
    entries.push_back(TRY(LineParser(file, line, defaults).parse()));
  }
  return entries;
}

std::vector<std::string> remove_duplicates(std::vector<MasterEntry>& entries) {
  std::vector<std::string> told;
  for (std::size_t i = 0; i < entries.size();) {
    const auto behind = entries.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    const auto later = std::find_if(behind, entries.end(), [&](const MasterEntry& one) {
      return one.name == entries[i].name && one.type == entries[i].type;
    });
    if (later == entries.end()) {
      ++i;
      continue;
    }
    const std::string place = later->type == ServiceType::inet
                                  ? later->name
                                  : fmt::format("{}/{}", later->is_private ? "private" : "public", later->name);
    told.push_back(fmt::format("{}: duplicate master.cf entry for service \"{}\" ({}) -- using the last entry, not that of line {}",
                               later->where(), later->name, place, entries[i].line));
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return told;
}

void remove_disabled(std::vector<MasterEntry>& entries, std::string_view list) {
  const auto items = ascii::split(list, ", \t\r\n");
  std::erase_if(entries, [&](const MasterEntry& entry) {
    const std::string_view type = service_type_name(entry.type);
    const std::string old_label = fmt::format("{}.{}", entry.name, type);
    for (std::string_view item : items) {
      const bool leaves = item.starts_with('!');
      if (leaves) item.remove_prefix(1);
      if (item == type || item == entry.label() || item == old_label) return !leaves;
    }
    return false;
  });
}

Result<std::vector<MasterEntry>> read_master_cf(const Main& main) {
  const std::string path = main.directory() + "/master.cf";
  const MasterDefaults defaults = TRY(master_defaults(main));
  return parse_master_cf(TRY(io::read_file(path, max_file_size)), path, defaults);
}

}  // namespace config
