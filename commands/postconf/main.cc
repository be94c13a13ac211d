// postconf(1): shows and changes the configuration. Run by the administrator, by scripts and, at early boot, by init; so
// it needs no network, no log and no running mail system. It trusts its command line and the configuration files, and
// has no privileges of its own. When it dies while it edits, the file is as it was before.

#include "commands/postconf/run.h"

int main(int argc, char** argv) { return postconf::run(argc, argv); }
