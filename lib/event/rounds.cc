#include "lib/event/rounds.h"

#include <utility>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/offload.h"

namespace event {

struct Rounds::Round {
  std::vector<const std::function<void()>*> work;
  Result<void> result;  // of `last`
  bool is_done = false;
  WaitList waiting;
};

Result<void> Rounds::run(const std::function<void()>& work) {
  const Shield shield;  // the round uses what the caller owns
  if (!next_) next_ = std::make_shared<Round>();
  const std::shared_ptr<Round> round = next_;
  round->work.push_back(&work);
  while (!round->is_done) {
    if (round == next_ && running_ < limit_) {
      run_next();
    } else {
      static_cast<void>(round->waiting.wait(base::no_deadline));
    }
  }
  return round->result;
}

// The caller is one of those whom the round serves. The first of the next one, if there is one by then, runs that.
void Rounds::run_next() {
  const std::shared_ptr<Round> round = std::exchange(next_, nullptr);
  ++running_;
  blocking([&] {
    for (const std::function<void()>* const each : round->work) (*each)();
    if (last_) round->result = last_();
  });
  --running_;
  round->is_done = true;
  round->waiting.wake_all();
  if (next_) next_->waiting.wake_first();
}

}  // namespace event
