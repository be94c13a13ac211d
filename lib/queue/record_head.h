#pragma once
// What stands before the data of a record: its type and its length. For the writers of records.

#include <array>
#include <string_view>

#include "lib/queue/record.h"

namespace queue {

class RecordHead {
 public:
  RecordHead(RecordType type, std::size_t length);
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 11> bytes_{};  // a type and as many groups as 64 bits have
  std::size_t size_ = 0;
};

}  // namespace queue
