#include "lib/queue/record.h"

#include "lib/queue/record_head.h"

namespace queue {

RecordHead::RecordHead(RecordType type, std::size_t length) {
  bytes_[size_++] = static_cast<char>(type);
  do {
    const auto group = static_cast<unsigned char>(length & 0x7f);
    length >>= 7;
    bytes_[size_++] = static_cast<char>(length != 0 ? group | 0x80 : group);
  } while (length != 0);
}

void append_record(std::string& out, RecordType type, std::string_view data) {
  if (data.size() < 0x80) {  // as lines of text are
    out += static_cast<char>(type);
    out += static_cast<char>(data.size());
    out += data;
    return;
  }
  out += RecordHead(type, data.size()).view();
  out += data;
}

}  // namespace queue
