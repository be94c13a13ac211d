#pragma once
// One message from standard input to maildrop/.

#include <string>

#include "submit/postdrop/input.h"
#include "submit/postdrop/maildrop_file.h"
#include "submit/postdrop/statuses.h"

namespace postdrop {

// How it ended, for main to say and to exit with.
struct Ended {
  enum class How {
    dropped,    // status ok: the message is on disk
    refused,    // status tells why; the peer is told
    abandoned,  // the peer stopped, or a signal came: nothing is said
    fatal,      // `text` is the last line of the log
  };
  How how = How::dropped;
  Status status = Status::ok;
  std::string text;
};

// Copies the message. The caller has told the peer the queue id. `who` is "uid=N", for the log.
[[nodiscard]] Ended copy_message(Input& input, MaildropFile file, const base::Clock& clock, const std::string& who);

}  // namespace postdrop
