#pragma once
// The records of a queue file, of postdrop's and of cleanup's input: 1 byte type, length in 7-bit groups, low group
// first, bit 0x80 = more follow, then the data. Names and order: POSTFIX-FACTS section 10, DEBIAN-FACTS section 3.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/io/stream.h"

namespace queue {

enum class RecordType : char {
  size = 'C', time = 'T', create_time = 'c', fullname = 'F', inspector = 'I', filter = 'L',
  sender = 'S', done = 'D', recipient = 'R', original_recipient = 'O', cancelled = '/',
  warn_time = 'W', attribute = 'A', killed = 'K', redirect = '>', flags = 'f', delay = 'd',
  message_start = 'M', normal = 'N', continued = 'L', dead_space = 'w', extracted = 'X',
  return_receipt = 'r', errors_to = 'e', priority = 'P', pointer = 'p', verp = 'V',
  dsn_ret = '<', dsn_envid = 'i', dsn_orcpt = 'o', dsn_notify = 'n', milter_count = 'm', end = 'E',
};

struct Record {
  RecordType type;
  std::string_view data;   // lives until the next read
};

inline constexpr std::size_t record_data_limit = 1024 * 1024;  // longer claims are refused; Postfix writes 2,048 at most

// Appends one record to a buffer.
void append_record(std::string& out, RecordType type, std::string_view data);

// Over a stream (postdrop, cleanup).
bool write_record(io::Stream& stream, RecordType type, std::string_view data, Deadline deadline);
// The data is in `buffer` or in the stream's: it lives until the next call with either. Error on end of stream within a record, length overflow, or over the limit.
[[nodiscard]] Result<Record> read_record(io::Stream& stream, std::string& buffer, Deadline deadline);

}  // namespace queue
