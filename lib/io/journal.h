#pragma once

namespace io {

// Whether the file system of this descriptor (ext4, XFS) has one journal for everybody: an fsync commits whatever came
// before it, of any file, and a name is never found after a power cut without what the journal noted before it. Where it is
// not known: false.
[[nodiscard]] bool has_one_journal(int fd);

}  // namespace io
