#pragma once
// The -o options among the arguments of a master.cf line.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"

namespace postconf {

// A line in the form that postconf prints and writes: "-o" and its value are two words, a value without blanks has no
// braces, one with blanks has them. What cannot be read is told in `warnings`.
[[nodiscard]] config::MasterLine normal_form(const config::MasterLine& line, std::vector<std::string>& warnings);

// Where the options of the command end: at the first word that is none. What follows is the program's own affair.
[[nodiscard]] std::size_t options_end(const config::MasterLine& line);

// The settings of a line in normal form, in order.
[[nodiscard]] std::vector<config::Entry> settings_of(const config::MasterLine& line);

// Replaces the value of the setting, or adds it behind the other options.
void set_setting(config::MasterLine& line, std::string_view name, std::string_view value);
void remove_setting(config::MasterLine& line, std::string_view name);

}  // namespace postconf
