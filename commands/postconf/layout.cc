#include "commands/postconf/layout.h"

#include <fmt/core.h>

#include "commands/postconf/selection.h"
#include "commands/postconf/service_options.h"
#include "lib/base/ascii.h"

namespace postconf {

namespace {

constexpr std::string_view indent = "    ";
// Where the columns of master.cf begin.
constexpr std::size_t column_starts[] = {0, 11, 17, 25, 33, 41, 49, 57};

// RFC 8259 section 7.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += ascii::is_control(c) ? fmt::format("\\u{:04X}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return out + '"';
}

// The arguments with one blank between.
std::string command_text(const config::MasterLine& line) {
  std::string text;
  for (const std::string& word : line.command) text += text.empty() ? word : ' ' + word;
  return text;
}

// The program and its arguments; each -o begins a line when folding.
void add_command(const config::MasterLine& line, Paragraph& paragraph) {
  paragraph.add_unfolded(line.command.front());
  std::size_t i = 1;
  for (const std::size_t end = options_end(line); i < end; ++i) {
    if (line.command[i] != "-o") {
      paragraph.add(line.command[i]);
      continue;
    }
    paragraph.start_line();
    paragraph.add(i + 1 < end ? "-o " + line.command[i + 1] : line.command[i]);
    ++i;
    paragraph.start_line();
  }
  for (; i < line.command.size(); ++i) paragraph.add(line.command[i]);
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for (const std::string_view word : ascii::split(text, " \t\r\n\v\f")) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

void Paragraph::add_unfolded(std::string_view text) {
  text_ += text;
  column_ += text.size();
}

void Paragraph::add(std::string_view word) {
  const bool too_long = fold_ && column_ + 1 + word.size() > line_width;
  if (fold_ && !text_.empty() && (break_ || too_long)) {
    text_ += '\n';
    text_ += indent;
    column_ = indent.size();
  } else if (!text_.empty() && text_.back() != ' ') {
    text_ += ' ';
    ++column_;
  }
  break_ = false;
  add_unfolded(word);
}

void Paragraph::start_line() { break_ = true; }

std::string setting(const Options& options, std::string_view name, std::string_view value) {
  if (options.json) return fmt::format("{{{}: {}}}\n", json_string(name), json_string(one_line(value)));
  if (options.without_values) return std::string(name) + '\n';
  Paragraph paragraph(options.fold);
  if (!options.without_names) paragraph.add_unfolded(fmt::format("{} =", name));
  for (const std::string_view word : ascii::split(value, " \t\r\n\v\f")) paragraph.add(word);
  return paragraph.take() + '\n';
}

std::string json_service(const config::MasterLine& line) {
  std::string object;
  for (std::size_t i = 0; i < std::size(field_names); ++i) {
    const std::string value = i < line.fields.size() ? line.fields[i] : command_text(line);
    object += fmt::format("{}{}: {}", object.empty() ? "{" : ", ", json_string(field_names[i]), json_string(value));
  }
  return object + "}\n";
}

std::string command_setting(const Options& options, std::string_view name, const config::MasterLine& line) {
  if (!options.fold || options.without_values) return setting(options, name, command_text(line));
  Paragraph paragraph(true);
  if (!options.without_names) paragraph.add_unfolded(fmt::format("{} = ", name));
  add_command(line, paragraph);
  return paragraph.take() + '\n';
}

std::string service(const config::MasterLine& line, bool fold) {
  std::string columns;
  for (std::size_t i = 0; i < line.fields.size(); ++i) {
    columns += line.fields[i];
    const std::size_t next = column_starts[i + 1];
    columns.append(columns.size() < next ? next - columns.size() : 1, ' ');
  }
  Paragraph paragraph(fold);
  paragraph.add_unfolded(columns);
  add_command(line, paragraph);
  return paragraph.take() + '\n';
}

}  // namespace postconf
