#pragma once
// mailq's table, and one JSON object per line.

#include <string>

#include "lib/queue/listing.h"

namespace postqueue {

enum class Format { table, json };

class Printer {
 public:
  Printer(Format format, bool long_ids) : format_(format), long_ids_(long_ids) {}
  // To standard output.
  void print(const queue::Listed& message);
  void finish();

 private:
  void print_table(const queue::Listed& message);
  Format format_;
  bool long_ids_;
  std::int64_t messages_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace postqueue
