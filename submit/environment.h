#pragma once
// The surroundings that a caller may have prepared: descriptors 0 to 2 closed, signals ignored, a strange umask, an
// environment full of traps. Programs that ordinary users start begin with this.

#include <string>
#include <string_view>
#include <vector>

namespace submit {

// Descriptors 0, 1, 2 are open (on /dev/null where they were not), the umask is 022, SIGPIPE and SIGXFSZ are errors of
// the write, and the signals that end a program do so unless they were ignored.
void make_surroundings_sane();

// What may be passed on: the names of `import_environment` ("NAME" as it is, "NAME=VALUE" as written there) and a PATH
// of our own.
[[nodiscard]] std::vector<std::string> clean_environment(std::string_view import_environment);

// Makes that the environment of this process.
void clean_own_environment(std::string_view import_environment);

}  // namespace submit
