#pragma once
// postmulti's command line.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace postmulti {

enum class Mode { list, postfix, command, edit };

enum class Action { init, create, import_, destroy, deport, enable, disable, assign };

struct Options {
  Mode mode = Mode::list;
  Action action = Action::init;        // of Mode::edit
  bool all = false;                    // -a
  std::optional<std::string> group;    // -g
  std::optional<std::string> instance; // -i: a name, a configuration directory, or "-" for the primary one
  std::optional<std::string> new_name;   // -I: "-" for none
  std::optional<std::string> new_group;  // -G: "-" for none
  bool reverse = false;                // -R
  bool verbose = false;                // -v
  bool json = false;                   // -j
  std::vector<std::string> arguments;  // the command, or "name=value"
};

// The error is Postfix's text for what does not go together.
[[nodiscard]] Result<Options> parse_options(int argc, char** argv);

}  // namespace postmulti
