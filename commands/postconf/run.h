#pragma once

namespace postconf {

// The command; returns the exit status.
int run(int argc, char** argv);

}  // namespace postconf
