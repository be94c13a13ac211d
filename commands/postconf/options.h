#pragma once
// postconf's command line: what is to be shown or changed, and which options go together.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace postconf {

enum class Subject {
  parameters,
  services,
  fields,
  service_parameters,
  table_types,
  lock_types,
  server_sasl,
  client_sasl,
  templates,           // -t
  expanded_templates,  // -b
  tls,                 // -T
};

enum class Action { show, edit, exclude, comment_out };

enum class Show { all, defaults, set };  // of parameters: everything, -d, -n

struct Classes {
  bool builtin = true, service = true, user = true;
};

struct Options {
  std::string config_directory;
  Subject subject = Subject::parameters;
  Action action = Action::show;
  Show show = Show::all;
  Classes classes;
  bool expand = false;        // -x
  bool fold = false;          // -f
  bool without_names = false; // -h
  bool without_values = false;// -H
  bool quiet = false;         // -q: no word of parameters that nothing uses or that are on their way out
  bool json = false;          // -j
  std::string tls_mode;       // of -T
  bool directory_given = false;  // by -c or the environment: then -n shows it
  std::vector<std::string> overrides;  // -o
  std::vector<std::string> names;
};

// The error is Postfix's text for a combination that has no meaning, or the usage.
[[nodiscard]] Result<Options> parse_options(int argc, char** argv);

}  // namespace postconf
