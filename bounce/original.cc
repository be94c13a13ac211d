#include "bounce/original.h"

#include <cerrno>

#include <fcntl.h>

#include "lib/log/log.h"

namespace bounce {
namespace {

constexpr std::size_t recipients_at_once = 1000;

}  // namespace

std::optional<Original> Original::open(const queue::Layout& layout, queue::Queue queue, const queue::QueueId& id) {
  const std::string path = layout.path(queue, id);
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) {
    if (errno != ENOENT) maillog::warning("{}: {}", id.text(), base::Error::system("open " + path).message());
    return std::nullopt;
  }
  auto message = queue::read_message(file.get(), queue::Wanted::todo, recipients_at_once);
  if (!message) {
    maillog::warning("{}: {}: {}", id.text(), path, message.error().message());
    return std::nullopt;
  }
  return Original{std::move(file), std::move(*message)};
}

}  // namespace bounce
