#include "imapd/commands.h"
#include "imapd/session.h"
#include "imapd/waiting.h"
#include "lib/base/ascii.h"

namespace imapd {
namespace {

constexpr std::size_t line_limit = 100;

}  // namespace

// IDLE (RFC 9051 section 6.3.13): news as it comes, until the client says DONE.
Reply idle(Session& session, imap::Values) {
  session.write("+ idling\r\n");
  switch (wait_for_client(session, Occasion::idling)) {
    case Waited::input: break;
    case Waited::lost: session.end(); return no("Lost.");
    case Waited::too_long:
      session.write("* BYE Disconnected for inactivity.\r\n");
      session.end();
      return no("Too long.");
    case Waited::gone: return no("The mailbox has changed under this session.", "SERVERBUG");
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
