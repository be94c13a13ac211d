#include <cerrno>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/store/mailbox.h"

namespace store {
namespace {

// A small message costs less to read than to map.
constexpr std::size_t map_from = 64 * 1024;

}  // namespace

Result<Message> Message::map(int fd, std::uint64_t offset, std::uint64_t size, const std::string& path) {
  if (size < map_from) {
    std::string text;
    text.resize_and_overwrite(size, [](char*, std::size_t room) { return room; });
    std::size_t have = 0;
    while (have < size) {
      const ssize_t count = ::pread(fd, text.data() + have, size - have, static_cast<off_t>(offset + have));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return base::fail_system("read " + path);
      if (count == 0) break;
      have += static_cast<std::size_t>(count);
    }
    text.resize(have);
    return own(std::move(text));
  }
  Message message;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t start = offset / page * page;
  message.map_size_ = size + (offset - start);
  message.map_ = ::mmap(nullptr, message.map_size_, PROT_READ, MAP_PRIVATE, fd, static_cast<off_t>(start));
  if (message.map_ == MAP_FAILED) {
    message.map_ = nullptr;
    return base::fail_system("map " + path);
  }
  message.text_ = std::string_view(static_cast<const char*>(message.map_) + (offset - start), size);
  return message;
}

Message Message::own(std::string text) {
  Message message;
  message.owned_ = std::move(text);
  message.text_ = message.owned_;
  return message;
}

Message& Message::operator=(Message&& other) noexcept {
  if (this == &other) return *this;
  if (map_ != nullptr) ::munmap(map_, map_size_);
  map_ = std::exchange(other.map_, nullptr);
  map_size_ = std::exchange(other.map_size_, 0);
  owned_ = std::move(other.owned_);
  text_ = map_ != nullptr ? other.text_ : std::string_view(owned_);
  other.text_ = {};
  return *this;
}

Message::~Message() {
  if (map_ != nullptr) ::munmap(map_, map_size_);
}

}  // namespace store
