#pragma once
// What a crash or power cut left of our own unfinished append, at the end of an mbox.
//
// An append writes the bytes of Content, which are the same at every attempt. So when everything from some line's start
// up to the end of the file is a strict prefix of what is to be written now, those bytes are an earlier attempt of this
// very delivery: they can be cut off, since the same bytes follow at once, and nothing of anybody's is lost. When it is
// the whole of it, the earlier attempt had completed but for its answer, and nothing need be written again.
//
// Call it under the mailbox's lock only.

#include <cstdint>
#include <optional>

#include "lib/base/fd.h"
#include "lib/mailbox/content.h"

namespace mailbox {

struct Tail {
  enum class Kind {
    clean,     // the file ends with something else
    torn,      // `start` to the end is a strict prefix of the content
    complete,  // `start` to the end is the content
  };
  Kind kind = Kind::clean;
  std::int64_t start = 0;
};

// `size` is the file's. The file must be open for reading.
[[nodiscard]] Result<Tail> examine_tail(const Fd& file, std::int64_t size, Content& content);

}  // namespace mailbox
