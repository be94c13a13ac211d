#include "imapd/waiting.h"

#include <array>
#include <chrono>

#include "lib/event/loop.h"

namespace imapd {
namespace {

// Where the system tells nothing of changes the mailbox is looked at this often; and where it does, now and then all the same.
constexpr std::chrono::seconds look_interval{30}, careful_interval{300};
// A change may come within the tick of the file system's clock in which the mailbox was looked at: after each look there is another
// soon, then later and later.
constexpr std::chrono::milliseconds first_look{50};
// Who has heard nothing for so long gives his stack back while he waits.
constexpr std::chrono::seconds idle_after{1};
// Clients behind address translators are kept alive by a word now and then.
constexpr std::chrono::minutes word_interval{2};

}  // namespace

Waited wait_for_client(Session& session, Occasion occasion) {
  const Deadline end = session.deadline();
  const bool is_idle = occasion == Occasion::idling;
  Deadline next_word = is_idle ? base::after(word_interval) : base::no_deadline;
  std::chrono::milliseconds look_after = first_look;
  for (;;) {
    Notifier* const notifier = session.notifier();
    if (session.view() != nullptr && !session.tell_news({.vanished = true, .uids = false}, occasion)) return Waited::gone;
    if (notifier != nullptr) notifier->tell();
    if (session.is_lost() || session.stream().flush(session.deadline()) != io::End::ok) return Waited::lost;
    if (session.stream().peek_input()) return Waited::input;
    std::array sources{event::Source::readable(session.stream().fd()), event::Source::readable(-1), event::Source::readable(-1)};
    std::size_t count = 1;
    const int watched = session.view() == nullptr ? -1 : session.view()->mailbox().watch_fd();
    if (watched >= 0) sources[count++] = event::Source::readable(watched);
    if (notifier != nullptr && notifier->fd() >= 0) sources[count++] = event::Source::readable(notifier->fd());
    const std::chrono::milliseconds longest = watched < 0 ? look_interval : careful_interval;
    const Deadline look = session.view() == nullptr ? base::no_deadline : base::after(std::min(look_after, longest));
    const Deadline due = notifier == nullptr ? base::no_deadline : notifier->due();
    if (look_after > idle_after) event::trim_stack();
    const auto ready = event::wait_any(std::min({look, due, next_word, end}), std::span(sources).first(count));
    if (ready == 0U) return Waited::input;
    look_after = ready ? first_look : std::min(look_after * 2, longest);
    const Deadline now = std::chrono::steady_clock::now();
    if (now >= end) return Waited::too_long;
    if (now >= next_word) {
      session.write("* OK Still here\r\n");
      next_word = base::after(word_interval);
    }
  }
}

}  // namespace imapd
