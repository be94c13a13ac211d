#pragma once
// What in main.cf and master.cf an administrator has probably not meant. Told at check, start and reload, before the
// first message suffers of it.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"

namespace postfix {

// Findings in the order in which they were made: each a line with file and line number, what is wrong, and what to do.
class Mistakes {
 public:
  // `where` is an Entry's or a MasterEntry's.
  void add(std::string_view where, std::string_view text);
  void add(std::string line);
  // What keeps every program from starting.
  void add_fatal(std::string_view where, std::string_view text);
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] bool is_fatal() const { return is_fatal_; }

 private:
  std::vector<std::string> lines_;
  bool is_fatal_ = false;
};

// The configuration as all examiners get it.
struct Examined {
  const config::Main& main;
  std::span<const config::MasterEntry> services;
};

// Names that nothing reads, $names that nobody defines, comments behind values. `master_text` is master.cf's.
void examine_names(const Examined& examined, std::string_view master_text, Mistakes& mistakes);
// Numbers, times, yes and no, and what cannot be expanded.
void examine_values(const Examined& examined, Mistakes& mistakes);
// Tables of unknown types, that are not built, older than their source, or not to be read; lists in files.
void examine_tables(const Examined& examined, Mistakes& mistakes);
// Services twice or not at all, transports that no service has, commands that are not there.
void examine_services(const Examined& examined, Mistakes& mistakes);
// Where mail would loop, be taken from anybody, or belong to two classes.
void examine_mail(const Examined& examined, Mistakes& mistakes);

// All of these.
[[nodiscard]] Mistakes find_mistakes(const config::Main& main, std::span<const config::MasterEntry> services);

}  // namespace postfix
