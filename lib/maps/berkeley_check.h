#pragma once
// Is a Berkeley DB file whole? The library believes what a page header says: a damaged page can look like one without
// the key. So a file is looked over once, when it is opened. Files with checksums (ours) need only their length checked;
// the library checks each page that it reads.

#include "lib/base/error.h"

namespace maps {

[[nodiscard]] Result<void> check_berkeley_file(int fd);

}  // namespace maps
