#pragma once
// The command line that postmap and postalias share, and in what the two differ.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/maps/index_builder.h"

namespace postmap {

struct Dialect {
  std::string_view name;
  std::string_view letters;         // for getopt(3)
  std::string_view usage;
  bool is_alias = false;            // aliases(5) sources, the tables' own entries, "key:" in listings
};
inline constexpr Dialect postmap_dialect{
    "postmap", "bfFhimnNopd:q:c:rsuUvw", "postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...", false};
inline constexpr Dialect postalias_dialect{
    "postalias", "Nfinopd:q:c:rsuvw", "postalias [-Nfinoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...", true};

enum class Action { build, add, query, erase, list };

struct Options {
  Action action = Action::build;
  std::string key;                  // -q, -d; "-": keys come from standard input
  bool fold = true;                 // -f off
  bool utf8 = true;                 // -u off; main.cf may also say no
  bool force_utf8 = false;          // -U: also with -b and -h
  bool file_values = false;         // -F
  bool header_keys = false, body_keys = false, mime = false;  // -h -b -m
  bool act_as_owner = true;         // -o off
  bool inherit_mode = true;         // -p off
  bool with_nul = false, without_nul = false;                 // -N -n
  maps::IfDuplicate if_duplicate = maps::IfDuplicate::warn_and_keep;  // -r -w
  int verbose = 0;
  std::string config_directory;
  std::vector<std::string> tables;
};

// The error's message goes behind "fatal: ".
[[nodiscard]] Result<Options> parse_options(const Dialect& dialect, int argc, char** argv);

// The whole command; the exit status.
[[nodiscard]] int run(const Dialect& dialect, int argc, char** argv);

}  // namespace postmap
