#include "submit/postdrop/replies.h"

#include <cerrno>
#include <string>

#include <unistd.h>

namespace postdrop {
namespace {

void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string attribute(std::string_view name, std::string_view value) {
  std::string out(name);
  out.append(1, '\0').append(value).append(1, '\0');
  return out;
}

}  // namespace

void reply_opened(std::string_view queue_id) {
  say(attribute("protocol", protocol) + attribute("queue_id", queue_id) + std::string(1, '\0'));
}

void reply_ended(Status status, std::string_view reason) {
  say(attribute("status", std::to_string(static_cast<int>(status))) + attribute("reason", reason) + std::string(1, '\0'));
}

}  // namespace postdrop
