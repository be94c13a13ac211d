#pragma once
// How postconf lays out what it prints.

#include <string>
#include <string_view>

#include "commands/postconf/options.h"
#include "lib/config/master_cf.h"

namespace postconf {

inline constexpr std::size_t line_width = 80;

// The words of `text` with one blank between, without blanks at the ends.
[[nodiscard]] std::string one_line(std::string_view text);

// A growing text of words; with `fold`, a word that does not fit begins a line of its own.
class Paragraph {
 public:
  explicit Paragraph(bool fold) : fold_(fold) {}
  void add(std::string_view word);
  void start_line();                      // the next word begins a line, when folding
  void add_unfolded(std::string_view text);  // columns: as it is
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t column_ = 0;
  bool fold_;
  bool break_ = false;
};

// "name = value" with its line end, as -f, -h and -H say; with -j, a JSON object with that one member.
[[nodiscard]] std::string setting(const Options& options, std::string_view name, std::string_view value);

// One service in Postfix's columns, its arguments behind; with `fold`, each -o on a line.
[[nodiscard]] std::string service(const config::MasterLine& line, bool fold);

// One service as a JSON object: its columns by their names.
[[nodiscard]] std::string json_service(const config::MasterLine& line);

// "name = value" of which the value is the command column: with -f, each -o on a line.
[[nodiscard]] std::string command_setting(const Options& options, std::string_view name, const config::MasterLine& line);

}  // namespace postconf
