// postalias(1): postmap for alias tables, whose sources have the form of aliases(5). Run by the administrator and by
// newaliases(1). Privileges and trust are postmap's. When it dies, the index that was there before is still in place.

#include "postmap/options.h"

int main(int argc, char** argv) { return postmap::run(postmap::postalias_dialect, argc, argv); }
