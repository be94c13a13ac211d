#pragma once
// One message from standard input to maildrop/.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "submit/postdrop/input.h"
#include "submit/postdrop/maildrop_file.h"
#include "submit/postdrop/statuses.h"

namespace postdrop {

// How it ended, for main to say and to exit with.
struct Ended {
  enum class How {
    dropped,    // status ok: the message is on disk
    refused,    // status tells why; the peer is told, with `text`
    abandoned,  // the peer stopped, or a signal came: nothing is said
    fatal,      // `text` is the last line of the log
  };
  How how = How::dropped;
  Status status = Status::ok;
  std::string text;
};

// Why a sender may not be used by who runs this.
struct SenderRefusal {
  Status status;
  std::string reason;
};
using SenderRule = std::function<std::optional<SenderRefusal>(std::string_view sender)>;

// Copies the message. The caller has told the peer the queue id. `who` is "uid=N", for the log. Without a rule every sender
// is allowed.
[[nodiscard]] Ended copy_message(Input& input, MaildropFile file, const base::Clock& clock, const std::string& who,
                                 const SenderRule& rule = {});

}  // namespace postdrop
