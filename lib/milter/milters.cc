#include "lib/milter/milters.h"

#include <utility>

namespace milter {

Milters::Milters(const Filters& filters, const MacroLists& lists) {
  row_.reserve(filters.size());
  for (const Filter& filter : filters) row_.emplace_back(filter, lists);
}

template <class Ask>
Verdict Milters::ask(Ask&& ask_one) {
  Verdict held;
  for (Milter& milter : row_) {
    Verdict verdict = ask_one(milter);
    if (verdict.kind == Verdict::Kind::hold) held = std::move(verdict);
    else if (!verdict.goes_on()) return verdict;
  }
  return held;
}

Verdict Milters::connect(const Milter::Client& client, const Macros& macros) {
  return ask([&](Milter& milter) { return milter.connect(client, macros); });
}

Verdict Milters::helo(std::string_view name, const Macros& macros) {
  return ask([&](Milter& milter) { return milter.helo(name, macros); });
}

Verdict Milters::mail(const std::vector<std::string_view>& words, const Macros& macros) {
  return ask([&](Milter& milter) { return milter.mail(words, macros); });
}

Verdict Milters::rcpt(const std::vector<std::string_view>& words, const Macros& macros) {
  return ask([&](Milter& milter) { return milter.rcpt(words, macros); });
}

void Milters::rejected_rcpt(const std::vector<std::string_view>& words, const Macros& macros) {
  for (Milter& milter : row_) {
    if (milter.hears_of_rejected()) std::ignore = milter.rcpt(words, macros);
  }
}

Verdict Milters::data(const Macros& macros) {
  return ask([&](Milter& milter) { return milter.data(macros); });
}

Verdict Milters::unknown(std::string_view line, const Macros& macros) {
  return ask([&](Milter& milter) { return milter.unknown(line, macros); });
}

void Milters::abort() {
  for (Milter& milter : row_) milter.abort();
}

void Milters::quit() {
  for (Milter& milter : row_) milter.quit();
}

}  // namespace milter
