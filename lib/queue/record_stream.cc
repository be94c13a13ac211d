// Records over a stream: what postdrop and cleanup read.
#include <optional>

#include "lib/queue/record.h"
#include "lib/queue/record_head.h"

namespace queue {
namespace {

constexpr unsigned char more = 0x80;
constexpr unsigned char group = 0x7f;
constexpr int group_bits = 7;

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

// As most are: the whole record is in the stream's buffer. None also when it is not one: the other way finds out why.
std::optional<Record> record_at_hand(io::Stream& stream, Deadline deadline) {
  const std::string_view buffered = stream.buffered();
  std::size_t at = 1, length = 0;
  for (int shift = 0;; shift += group_bits) {
    if (at >= buffered.size() || shift > 3 * group_bits) return std::nullopt;
    const auto byte = static_cast<unsigned char>(buffered[at++]);
    length |= static_cast<std::size_t>(byte & group) << shift;
    if ((byte & more) == 0) break;
  }
  if (length > record_data_limit || buffered.size() - at < length) return std::nullopt;
  const std::string_view bytes = stream.read_some(at + length, deadline).data;
  return Record{static_cast<RecordType>(bytes.front()), bytes.substr(at)};
}

}  // namespace

bool write_record(io::Stream& stream, RecordType type, std::string_view data, Deadline deadline) {
  return stream.write(RecordHead(type, data.size()).view(), deadline) && stream.write(data, deadline);
}

Result<Record> read_record(io::Stream& stream, std::string& buffer, Deadline deadline) {
  if (const auto record = record_at_hand(stream, deadline)) return *record;
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
