#pragma once
// Records from standard input, for a program that must also hear signals while it waits: a message whose writer was
// told to stop is not delivered.

#include <csignal>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/queue/record.h"

namespace postdrop {

class Input {
 public:
  // Blocks the signals that end a program (those that are not ignored) and waits for them together with the input.
  Input(int fd, std::size_t length_limit);

  enum class Kind {
    record,
    end,        // no more input, between two records
    malformed,  // see problem()
    signalled,
  };
  struct Item {
    Kind kind;
    queue::RecordType type = queue::RecordType::end;
    std::string_view data = {};  // lives until the next call
  };
  [[nodiscard]] Item next();
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  enum class More { yes, end, signalled };
  [[nodiscard]] More fill();
  // `size` bytes from start_ on are in the buffer.
  [[nodiscard]] More need(std::size_t size);

  int fd_;
  std::size_t length_limit_;
  Fd signals_;
  std::string buffer_;
  std::size_t start_ = 0;
  std::string problem_;
};

}  // namespace postdrop
