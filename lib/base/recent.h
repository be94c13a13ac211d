#pragma once
// Recent answers of somebody who is dear to ask, kept for a moment: under load the same few questions come again and
// again. What has changed since is seen when the moment is over.

#include <string>
#include <unordered_map>
#include <utility>

#include "lib/base/deadline.h"

namespace base {

template <class Answer>
class Recent {
 public:
  static constexpr std::chrono::seconds lifetime{1};
  static constexpr std::size_t limit = 4096;  // when there are more, all are forgotten

  explicit Recent(const Clock& clock) : clock_(clock) {}

  // Null when it is not known, or no more. Lives until the next call of keep().
  [[nodiscard]] const Answer* find(const std::string& question) const {
    const auto found = kept_.find(question);
    return found != kept_.end() && clock_.now() < found->second.until ? &found->second.answer : nullptr;
  }

  void keep(std::string question, Answer answer) {
    if (kept_.size() >= limit) kept_.clear();
    kept_.insert_or_assign(std::move(question), Kept{std::move(answer), clock_.now() + lifetime});
  }

 private:
  struct Kept {
    Answer answer;
    Deadline until;
  };
  const Clock& clock_;
  std::unordered_map<std::string, Kept> kept_;
};

}  // namespace base
