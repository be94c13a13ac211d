#include <array>
#include <chrono>

#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/base/ascii.h"
#include "lib/event/loop.h"

namespace imapd {
namespace {

// Where the system tells nothing of changes the mailbox is looked at this often; and where it does, now and then all the same.
constexpr std::chrono::seconds look_interval{30}, careful_interval{300};
// A change may come within the tick of the file system's clock in which the mailbox was looked at: after each look there is another
// soon, then later and later.
constexpr std::chrono::milliseconds first_look{50};
// Clients behind address translators are kept alive by a word now and then.
constexpr std::chrono::minutes word_interval{2};
constexpr std::size_t line_limit = 100;

// False: the mailbox can be looked at no more.
bool tell_news(Session& session) {
  View* const view = session.view();
  if (view == nullptr) return true;
  if (!view->refresh()) return false;
  std::string out;
  view->tell(out, {.vanished = true, .uids = false}, session.features());
  if (!out.empty()) session.write(out);
  return true;
}

}  // namespace

// IDLE (RFC 9051 section 6.3.13): news as it comes, until the client says DONE.
Reply idle(Session& session, imap::Values) {
  session.write("+ idling\r\n");
  const Deadline end = session.deadline();
  Deadline next_word = base::after(word_interval);
  std::chrono::milliseconds look_after = first_look;
  for (;;) {
    if (!tell_news(session)) return no("The mailbox has changed under this session.", "SERVERBUG");
    if (session.is_lost() || session.stream().flush(session.deadline()) != io::End::ok) {
      session.end();
      return no("Lost.");
    }
    if (session.stream().peek_input()) break;
    const int watched = session.view() == nullptr ? -1 : session.view()->mailbox().watch_fd();
    const std::array sources{event::Source::readable(session.stream().fd()), event::Source::readable(watched)};
    const std::chrono::milliseconds longest = watched < 0 ? look_interval : careful_interval;
    const Deadline look = session.view() == nullptr ? base::no_deadline : base::after(std::min(look_after, longest));
    const auto ready = event::wait_any(std::min({look, next_word, end}), std::span(sources).first(watched < 0 ? 1 : 2));
    if (ready == 0U) break;
    look_after = ready ? first_look : std::min(look_after * 2, longest);
    const Deadline now = std::chrono::steady_clock::now();
    if (now >= end) {
      session.write("* BYE Disconnected for inactivity.\r\n");
      session.end();
      return no("Too long.");
    }
    if (now >= next_word) {
      session.write("* OK Still here\r\n");
      next_word = base::after(word_interval);
    }
  }
  const io::LineResult line = session.stream().read_line(session.deadline(), line_limit);
  if (!line) {
    session.end();
    return no("Lost.");
  }
  if (!ascii::equal_ignoring_case(line.text(), "DONE")) return bad("Expected DONE.");
  return ok("Idle completed.");
}

}  // namespace imapd
