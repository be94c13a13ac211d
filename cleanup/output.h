#pragma once
// Where the records of a message go: the queue file, or a test's list. A write that fails is remembered there and is
// seen at the end; the steps need not look.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/queue/record.h"

namespace cleanup {

class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  virtual ~Output() = default;

  virtual void put(queue::RecordType type, std::string_view data) = 0;
  // Bytes of content records so far: what message_size_limit bounds.
  [[nodiscard]] virtual std::int64_t content_size() const = 0;

  void put_attribute(std::string_view name, std::string_view value) {
    std::string text(name);
    text.append("=").append(value);
    put(queue::RecordType::attribute, text);
  }
};

}  // namespace cleanup
