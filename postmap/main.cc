// postmap(1): builds the index of a lookup table from its source, and asks tables. Run by the administrator and by
// scripts. It trusts its command line and main.cf; a source file that belongs to somebody else it reads and indexes as
// that user. When it dies, the index that was there before is still in place; mail is not touched.

#include "postmap/options.h"

int main(int argc, char** argv) { return postmap::run(postmap::postmap_dialect, argc, argv); }
