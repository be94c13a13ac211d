#include "commands/postfix/mistakes.h"

#include <algorithm>

#include <fmt/core.h>

#include "commands/postfix/mistakes/remedies.h"
#include "lib/config/file.h"
#include "lib/io/file.h"

namespace postfix {

void Mistakes::add(std::string_view where, std::string_view text) {
  const std::string_view remedy = remedy_for(text);
  add(remedy.empty() ? fmt::format("{}: {}", where, text) : fmt::format("{}: {}: {}", where, text, remedy));
}

void Mistakes::add(std::string line) {
  // One mistake can be found in two ways.
  if (std::ranges::find(lines_, line) == lines_.end()) lines_.push_back(std::move(line));
}

void Mistakes::add_fatal(std::string_view where, std::string_view text) {
  add(where, text);
  is_fatal_ = true;
}

Mistakes find_mistakes(const config::Main& main, std::span<const config::MasterEntry> services) {
  Mistakes mistakes;
  const Examined examined{main, services};
  const auto master_text = io::read_file(main.directory() + "/master.cf", config::max_file_size);
  examine_names(examined, master_text ? *master_text : "", mistakes);
  examine_values(examined, mistakes);
  examine_tables(examined, mistakes);
  examine_services(examined, mistakes);
  examine_mail(examined, mistakes);
  return mistakes;
}

}  // namespace postfix
