#pragma once
// Records that wait on disk while a message may still change, in a file without a name: when the process ends, it is gone.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/queue/record.h"

namespace cleanup {

class Spool {
 public:
  // In the file system of `directory`. Errors keep the errno.
  [[nodiscard]] static Result<Spool> open(const std::string& directory);

  [[nodiscard]] Result<void> add(queue::RecordType type, std::string_view data);
  [[nodiscard]] std::int64_t size() const { return written_ + static_cast<std::int64_t>(buffer_.size()); }

  // Gives the records from `offset` on to `take`, until it says false or all have come. Where the next one is.
  using Take = std::function<Result<bool>(queue::RecordType type, std::string_view data)>;
  [[nodiscard]] Result<std::int64_t> read(std::int64_t offset, const Take& take);

 private:
  explicit Spool(Fd file) : file_(std::move(file)) {}
  [[nodiscard]] Result<void> write_out();

  Fd file_;
  std::string buffer_;
  std::int64_t written_ = 0;
};

}  // namespace cleanup
