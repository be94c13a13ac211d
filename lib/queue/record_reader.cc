#include "lib/queue/record_reader.h"

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace queue {
namespace {

constexpr std::size_t chunk = 16 * 1024;
constexpr std::size_t head_limit = 5;           // a type byte and four length groups are more than record_data_limit
constexpr std::int64_t pointer_record_size = 17;
constexpr std::string_view types = "CTcFILSDRO/WAK>fdMNXreVwpP<ionmE";

}  // namespace

bool is_record_type(char c) { return types.contains(c); }

Result<bool> RecordReader::need(std::size_t size) {
  const std::int64_t buffered = buffer_start_ + static_cast<std::int64_t>(buffer_.size()) - next_;
  if (next_ >= buffer_start_ && buffered >= static_cast<std::int64_t>(size)) return true;
  if (next_ >= buffer_start_ && buffered > 0) {
    buffer_.erase(0, static_cast<std::size_t>(next_ - buffer_start_));
  } else {
    buffer_.clear();
  }
  buffer_start_ = next_;
  const std::size_t wanted = std::max(size, chunk);
  while (buffer_.size() < size) {
    const std::size_t have = buffer_.size();
    buffer_.resize(wanted);
    const ssize_t count = pread(fd_, buffer_.data() + have, wanted - have, buffer_start_ + static_cast<std::int64_t>(have));
    buffer_.resize(have + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno != EINTR) return base::fail_system("read queue file");
    if (count == 0) return false;
  }
  return true;
}

Result<RecordReader::Item> RecordReader::next_raw() {
  const std::int64_t start = next_;
  if (!TRY(need(1))) return base::fail(fmt::format("unexpected end of queue file at offset {}", start));
  const char type = *at(start);
  if (types_ == Types::known && !is_record_type(type)) return base::fail(fmt::format("unknown record type at offset {}", start));
  // The words of Postfix's log.
  const auto broken = [type = static_cast<unsigned char>(type)](std::string_view why) {
    return base::fail(fmt::format("{}, record type {}", why, type));
  };
  std::size_t length = 0;
  std::size_t head = 1;
  for (int shift = 0;; shift += 7) {
    if (head == head_limit) return broken("too many length bits");
    if (!TRY(need(head + 1))) return broken("unexpected EOF reading length");
    const auto byte = static_cast<unsigned char>(*at(start + static_cast<std::int64_t>(head++)));
    length |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (length > record_data_limit) return broken(fmt::format("illegal length {}", length));
  if (!TRY(need(head + length))) {
    return base::fail(fmt::format("unexpected EOF in data, record type {} length {}", static_cast<unsigned char>(type), length));
  }
  next_ = start + static_cast<std::int64_t>(head + length);
  return Item{static_cast<RecordType>(type), std::string_view(at(start) + head, length), start};
}

Result<RecordReader::Item> RecordReader::next() {
  for (;;) {
    Item item = TRY(next_raw());
    if (item.type == RecordType::dead_space) continue;
    if (item.type != RecordType::pointer) return item;
    const auto target = ascii::parse_number(ascii::trim(item.data), INT64_MAX);
    if (!target) return base::fail(fmt::format("malformed pointer record value: {}", item.data));
    if (*target == 0) continue;
    // In a sound file each pointer is passed once.
    struct stat status {};
    if (fstat(fd_, &status) < 0) return base::fail_system("stat queue file");
    if (++jumps_ > status.st_size / pointer_record_size + 1) return base::fail("pointer records run in a circle");
    if (static_cast<std::int64_t>(*target) >= status.st_size) {
      return base::fail(fmt::format("pointer beyond the end of the file at offset {}", item.offset));
    }
    next_ = static_cast<std::int64_t>(*target);
  }
}

}  // namespace queue
