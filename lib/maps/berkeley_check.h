#pragma once
// Is a Berkeley DB file whole? The library believes what a page header says: a damaged page can look like one without
// the key. So a file is looked over once, when it is opened. Files with checksums (ours) need only their length checked;
// who reads a page checks it.

#include "lib/base/error.h"

namespace maps::berkeley {

[[nodiscard]] Result<void> check_file(int fd);

}  // namespace maps::berkeley
