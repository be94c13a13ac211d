#pragma once
// Replacing the end of a file in place so that a crash at any moment, of this process or of the machine, loses nothing: an
// mbox, whose directory (/var/mail) may not let us make a second file. Call it under the mailbox's locks only.
//
// The order:
//   1. the note: the new end, with checksums of it and of the old one, in a file of the control directory, synced
//   2. the file is made longer (with zeros), if it is to be, and synced
//   3. the new end is written over the old one, and synced
//   4. the file is cut, if it is to be shorter, and synced
//   5. the note is removed, and its directory synced
// finish_rewrite(), by the next one who has the locks, goes on where a crash ended. Other programs may have appended to the
// file meanwhile: 2 and 4 are single steps whose being done can be seen, so that it is known where their mail begins.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/base/error.h"

namespace store {

// The file from `offset` on becomes `end`.
[[nodiscard]] Result<void> rewrite_end(const Fd& file, std::uint64_t offset, std::string_view end, const Fd& control);

// True: there was something to finish, and the file is another now.
[[nodiscard]] Result<bool> finish_rewrite(const Fd& file, const Fd& control);

[[nodiscard]] bool is_unfinished(const Fd& control);

}  // namespace store
