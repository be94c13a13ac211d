#pragma once
// The content of a message (header and body), line by line, as delivery agents read it.

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/error.h"
#include "lib/queue/record_reader.h"

namespace queue {

// One N or L record, byte-exact: it may hold NUL, CR and any other byte but has no line end.
struct ContentLine {
  std::string_view text;  // lives until the next call
  bool continued;         // the line goes on in the next record (L); else it ends here
};

class ContentReader {
 public:
  // Borrows the descriptor (pread only). `data_offset` is the message's.
  ContentReader(int fd, std::int64_t data_offset) : reader_(fd, data_offset) {}

  // None after the last line. An Error means a damaged file: what has been passed on must not be completed.
  [[nodiscard]] Result<std::optional<ContentLine>> next();

 private:
  RecordReader reader_;
};

}  // namespace queue
