#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/mailbox_arguments.h"
#include "lib/store/names.h"

namespace imapd {
namespace {

// A separator at the end of a name only announces children.
std::string without_end(const Session& session, std::string name) {
  if (name.size() > 1 && name.back() == session.names().separator()) name.pop_back();
  return name;
}

Result<bool> is_mailbox(Session& session, std::string_view name) {
  const std::vector<store::Listed> all = TRY(session.account().list());
  return std::ranges::any_of(all, [&](const store::Listed& each) { return each.selectable && each.name == name; });
}

}  // namespace

// CREATE (RFC 9051 section 6.3.4, RFC 6154 section 3). A name that ends with the separator only announces children.
Reply create(Session& session, imap::Values arguments) {
  auto wanted = imap::CreateArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  std::uint8_t uses = 0;
  for (const std::string& use : wanted->special_use) {
    const std::uint8_t bit = store::special_use(use);
    if (bit == 0) return no("Special use not supported", "USEATTR");
    uses |= bit;
  }
  const std::string written = without_end(session, std::move(wanted->mailbox));
  const auto name = session.store_name(written);
  if (!name) return invalid_name(session, written);
  if (const auto made = session.account().create(*name, uses); !made) return session.failed(made.error(), written);
  return ok("Create completed.");
}

// DELETE (RFC 9051 section 6.3.5).
Reply delete_mailbox(Session& session, imap::Values arguments) {
  const auto written = imap::parse_mailbox_argument(arguments);
  if (!written) return bad_arguments(session, written.error().message());
  const auto name = session.store_name(*written);
  if (!name) return invalid_name(session, *written);
  if (*name == store::inbox_name) return no("INBOX can't be deleted.");
  if (session.view() != nullptr && session.view()->name() == *name) {
    session.unselect();
    session.write("* OK [CLOSED] The mailbox is deleted.\r\n");
  }
  if (const auto done = session.account().remove(*name); !done) return session.failed(done.error(), *written);
  return ok("Delete completed.");
}

// RENAME (RFC 9051 section 6.3.6).
Reply rename_mailbox(Session& session, imap::Values arguments) {
  const auto wanted = imap::RenameArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  const auto from = session.store_name(wanted->from), to = session.store_name(wanted->to);
  if (!from || !to) return invalid_name(session, from ? wanted->to : wanted->from);
  if (*from == *to) return no("Can't rename mailbox to itself", "ALREADYEXISTS");
  if (to->starts_with(*from + session.account().location().separator())) return no("Can't rename mailbox under its own child.");
  const auto done = session.account().rename(*from, *to);
  if (!done && done.error().code() == EEXIST) return no("Target mailbox already exists", "ALREADYEXISTS");
  if (!done) return session.failed(done.error(), wanted->from);
  return ok("Rename completed.");
}

// RFC 9051 section 6.3.7: only of what is there.
Reply subscribe(Session& session, imap::Values arguments) {
  const auto argument = imap::parse_mailbox_argument(arguments);
  if (!argument) return bad_arguments(session, argument.error().message());
  const std::string written = without_end(session, *argument);
  const auto name = session.store_name(written);
  if (!name) return invalid_name(session, written);
  const auto is_there = is_mailbox(session, *name);
  if (!is_there) return session.failed(is_there.error());
  if (!*is_there) return no(no_mailbox(written));
  if (const auto done = session.account().subscribe(*name); !done) return session.failed(done.error(), written);
  return ok("Subscribe completed.");
}

// RFC 9051 section 6.3.8: also of what is no more.
Reply unsubscribe(Session& session, imap::Values arguments) {
  const auto argument = imap::parse_mailbox_argument(arguments);
  if (!argument) return bad_arguments(session, argument.error().message());
  const auto name = session.store_name(without_end(session, *argument));
  if (!name) return invalid_name(session, *argument);
  if (const auto done = session.account().unsubscribe(*name); !done) return session.failed(done.error(), *argument);
  return ok("Unsubscribe completed.");
}

}  // namespace imapd
