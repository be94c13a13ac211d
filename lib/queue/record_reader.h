#pragma once
// The records of a file, read with pread, so that a descriptor can be shared with others. Follows pointer records
// (edits that cleanup appended after the E record) unless asked not to.

#include <cstdint>
#include <string>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/queue/record.h"

namespace queue {

class RecordReader {
 public:
  struct Item {
    RecordType type;
    std::string_view data;   // lives until the next call
    std::int64_t offset;     // of the record's type byte
  };

  // Which type bytes are taken: those that there are, or whatever is there, to be shown.
  enum class Types { known, any };

  // Borrows the descriptor.
  explicit RecordReader(int fd, std::int64_t offset = 0, Types types = Types::known) : fd_(fd), next_(offset), types_(types) {}

  // The next record in the order of the message. A pointer that jumps is followed and not returned; one that does not
  // (0) is passed over, and so is dead space. Error at the end of the file, within it, on a type byte that no record
  // has, and on pointers that run in a circle.
  [[nodiscard]] Result<Item> next();

  // The next record as it stands in the file, pointers and dead space too: for postcat and postsuper.
  [[nodiscard]] Result<Item> next_raw();

  void seek(std::int64_t offset) {
    next_ = offset;
    jumps_ = 0;
  }
  [[nodiscard]] std::int64_t position() const { return next_; }

 private:
  // At least `size` bytes from next_ on are in the buffer; false at the end of the file.
  [[nodiscard]] Result<bool> need(std::size_t size);
  [[nodiscard]] const char* at(std::int64_t offset) const {
    return buffer_.data() + static_cast<std::size_t>(offset - buffer_start_);
  }

  int fd_;
  std::int64_t next_;
  Types types_;
  std::string buffer_;
  std::int64_t buffer_start_ = 0;
  std::int64_t jumps_ = 0;
};

[[nodiscard]] bool is_record_type(char c);

}  // namespace queue
