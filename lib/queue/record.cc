#include "lib/queue/record.h"

#include <array>

namespace queue {
namespace {

constexpr unsigned char more = 0x80;
constexpr unsigned char group = 0x7f;
constexpr int group_bits = 7;
constexpr std::size_t head_limit = 6;  // a type and at most five groups

// Type and length, as they stand before the data.
struct Head {
  std::array<char, head_limit> bytes;
  std::size_t size;
  [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
};

Head head_of(RecordType type, std::size_t length) {
  Head head{};
  head.bytes[head.size++] = static_cast<char>(type);
  do {
    auto byte = static_cast<unsigned char>(length & group);
    length >>= group_bits;
    if (length != 0) byte |= more;
    head.bytes[head.size++] = static_cast<char>(byte);
  } while (length != 0 && head.size < head_limit);
  return head;
}

std::string_view how(io::End end) {
  switch (end) {
    case io::End::eof: return "connection lost within a record";
    case io::End::timeout: return "timeout within a record";
    case io::End::ok:
    case io::End::too_long:
    case io::End::error: break;
  }
  return "connection failed within a record";
}

}  // namespace

void append_record(std::string& out, RecordType type, std::string_view data) {
  out += head_of(type, data.size()).view();
  out += data;
}

bool write_record(io::Stream& stream, RecordType type, std::string_view data, Deadline deadline) {
  return stream.write(head_of(type, data.size()).view(), deadline) && stream.write(data, deadline);
}

Result<Record> read_record(io::Stream& stream, std::string& buffer, Deadline deadline) {
  buffer.clear();
  if (const io::End end = stream.read_exact(buffer, 2, deadline); end != io::End::ok) {
    return base::fail(std::string(how(end)));
  }
  const auto type = static_cast<RecordType>(buffer[0]);
  auto byte = static_cast<unsigned char>(buffer[1]);
  std::size_t length = byte & group;
  for (int shift = group_bits; (byte & more) != 0; shift += group_bits) {
    buffer.clear();
    if (const io::End end = stream.read_exact(buffer, 1, deadline); end != io::End::ok) {
      return base::fail(std::string(how(end)));
    }
    byte = static_cast<unsigned char>(buffer[0]);
    length |= static_cast<std::size_t>(byte & group) << shift;
    if (length > record_data_limit) return base::fail("record too long");
    if ((byte & more) != 0 && shift >= 3 * group_bits) return base::fail("record length overflow");
  }
  buffer.clear();
  if (length > 0) {
    if (const io::End end = stream.read_exact(buffer, length, deadline); end != io::End::ok) {
      return base::fail(std::string(how(end)));
    }
  }
  return Record{type, buffer};
}

}  // namespace queue
