#pragma once
// What a client did in one session, for the line that its end leaves in the log:
// "disconnect from NAME[ADDRESS] ehlo=1 mail=1 rcpt=1/2 commands=3/4".

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtpd {

class Counters {
 public:
  // `command` is the command's place in the table, which is also the order in the line.
  void count(std::size_t command, bool succeeded);

  // " ehlo=1 mail=1/2 commands=2/3": what succeeded, and of how many when not all did. `label(command)` names one.
  template <class Label>
  [[nodiscard]] std::string text(Label&& label) const {
    std::string out;
    Count all;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const Count& count = counts_[i];
      if (count.total == 0) continue;
      all.succeeded += count.succeeded;
      all.total += count.total;
      append(out, label(i), count);
    }
    append(out, "commands", all);
    return out;
  }

 private:
  struct Count {
    std::uint32_t succeeded = 0, total = 0;
  };
  static void append(std::string& out, std::string_view label, Count count);

  std::vector<Count> counts_;
};

}  // namespace smtpd
