#include "commands/postconf/service_options.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"

namespace postconf {

namespace {

// Takes the braces off; a word that is not closed well gives what can be had of it, and a warning.
std::string opened(std::string_view word, std::vector<std::string>& warnings) {
  if (!word.starts_with('{')) return std::string(word);
  int depth = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '{') ++depth;
    if (word[i] != '}' || --depth > 0) continue;
    if (i + 1 != word.size()) warnings.push_back(fmt::format("master.cf: syntax error after '}}' in \"{}\"", word));
    return std::string(ascii::trim(word.substr(1, i - 1)));
  }
  warnings.push_back(fmt::format("master.cf: missing '}}' in \"{}\"", word));
  return std::string(ascii::trim(word.substr(1)));
}

bool needs_braces(std::string_view word) { return std::ranges::any_of(word, ascii::is_space) || word.starts_with('{'); }

// "name=value" without blanks around the two, in braces where a blank is in it.
std::string normal_setting(std::string_view word, std::vector<std::string>& warnings) {
  std::string text = opened(word, warnings);
  if (word.starts_with('{')) {
    if (const auto setting = config::parse_setting(text)) {
      text = setting->name + '=' + setting->value;
    } else {
      warnings.push_back("master.cf: " + setting.error().message());
    }
  }
  return needs_braces(text) ? '{' + text + '}' : text;
}

std::string_view without_braces(std::string_view word) {
  if (word.starts_with('{') && word.ends_with('}')) return word.substr(1, word.size() - 2);
  return word;
}

std::string_view name_in(std::string_view word) {
  const std::string_view text = without_braces(word);
  return text.substr(0, text.find('='));
}

}  // namespace

config::MasterLine normal_form(const config::MasterLine& line, std::vector<std::string>& warnings) {
  config::MasterLine normal = line;
  normal.command.resize(1);
  bool in_options = true;
  for (std::size_t i = 1; i < line.command.size(); ++i) {
    const std::string& word = line.command[i];
    if (!in_options) {
      normal.command.push_back(word);
      continue;
    }
    const std::string text = opened(word, warnings);
    in_options = text.starts_with('-') && text != "-" && text != "--";
    if (text.starts_with("-o") && text.size() > 2) {
      normal.command.emplace_back("-o");
      normal.command.push_back(normal_setting(text.substr(2), warnings));
    } else if (text == "-o" && i + 1 < line.command.size()) {
      normal.command.push_back(text);
      normal.command.push_back(normal_setting(line.command[++i], warnings));
    } else {
      normal.command.push_back(in_options && !needs_braces(text) ? text : word);
    }
  }
  return normal;
}

std::size_t options_end(const config::MasterLine& line) {
  std::size_t i = 1;
  while (i < line.command.size() && line.command[i].starts_with('-')) i += line.command[i] == "-o" ? 2 : 1;
  return std::min(i, line.command.size());
}

std::vector<config::Entry> settings_of(const config::MasterLine& line) {
  std::vector<config::Entry> settings;
  for (std::size_t i = 1, end = options_end(line); i + 1 < end; ++i) {
    if (line.command[i] != "-o") continue;
    if (auto setting = config::parse_setting(without_braces(line.command[++i]))) {
      setting->line = line.line;
      settings.push_back(std::move(*setting));
    }
  }
  return settings;
}

void set_setting(config::MasterLine& line, std::string_view name, std::string_view value) {
  std::string text = fmt::format("{}={}", name, value);
  if (needs_braces(text)) text = '{' + text + '}';
  const std::size_t end = options_end(line);
  for (std::size_t i = 1; i + 1 < end; ++i) {
    if (line.command[i] == "-o" && name_in(line.command[++i]) == name) {
      line.command[i] = text;
      return;
    }
  }
  const auto place = line.command.begin() + static_cast<std::ptrdiff_t>(end);
  line.command.insert(place, {"-o", text});
}

void remove_setting(config::MasterLine& line, std::string_view name) {
  for (std::size_t i = 1; i + 1 < options_end(line);) {
    const bool is_option = line.command[i] == "-o";
    if (is_option && name_in(line.command[i + 1]) == name) {
      const auto place = line.command.begin() + static_cast<std::ptrdiff_t>(i);
      line.command.erase(place, place + 2);
    } else {
      i += is_option ? 2 : 1;
    }
  }
}

}  // namespace postconf
