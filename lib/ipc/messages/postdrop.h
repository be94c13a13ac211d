#pragma once
// postdrop(1) tells whoever started it, sendmail(1) or smtpd(8) in stand-alone mode, on its standard output: first the name of
// the message, then what became of it. The message itself comes as queue records on its standard input. Names and numbers
// are those of Postfix, so that either side may be its.

#include "lib/ipc/message.h"

namespace ipc {

inline constexpr const char* postdrop_protocol = "postdrop_protocol";

struct PostdropOpened {
  std::string protocol, queue_id;
  static constexpr auto fields = std::tuple{Field{"protocol", &PostdropOpened::protocol}, Field{"queue_id", &PostdropOpened::queue_id}};
};

enum class PostdropStatus { ok = 0, bad = 1, write = 2, size = 4, not_permitted = 512 };

struct PostdropEnded {
  PostdropStatus status = PostdropStatus::write;
  std::string reason;
  static constexpr auto fields = std::tuple{Field{"status", &PostdropEnded::status}, Field{"reason", &PostdropEnded::reason}};
};

}  // namespace ipc
