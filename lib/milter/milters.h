#pragma once
// The milters of one session, in a row: each hears of every event until one refuses or discards; that verdict is the row's. What
// is held for one goes on to the next, which may still refuse it.

#include <string>
#include <string_view>
#include <vector>

#include "lib/milter/milter.h"

namespace milter {

class Milters {
 public:
  Milters(const Filters& filters, const MacroLists& lists);
  Milters() = default;

  [[nodiscard]] bool empty() const { return row_.empty(); }
  [[nodiscard]] std::size_t size() const { return row_.size(); }
  [[nodiscard]] std::vector<Milter>& row() { return row_; }

  [[nodiscard]] Verdict connect(const Milter::Client& client, const Macros& macros);
  [[nodiscard]] Verdict helo(std::string_view name, const Macros& macros);
  [[nodiscard]] Verdict mail(const std::vector<std::string_view>& words, const Macros& macros);
  [[nodiscard]] Verdict rcpt(const std::vector<std::string_view>& words, const Macros& macros);
  // Of a recipient that is refused already, for those that want to hear of it.
  void rejected_rcpt(const std::vector<std::string_view>& words, const Macros& macros);
  [[nodiscard]] Verdict data(const Macros& macros);
  [[nodiscard]] Verdict unknown(std::string_view line, const Macros& macros);
  void abort();
  // The end of the session.
  void quit();

 private:
  template <class Ask>
  [[nodiscard]] Verdict ask(Ask&& ask_one);

  std::vector<Milter> row_;
};

}  // namespace milter
