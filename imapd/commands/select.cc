#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/list_response.h"
#include "imapd/session.h"
#include "lib/imap/mailbox_arguments.h"

namespace imapd {
namespace {

void tell_state(Session& session, const View& view, store::Mailbox& mailbox) {
  std::string out;
  view.append_flags(out);
  imap::append_number(out, view.exists(), "EXISTS");
  if (!session.features().rev2) imap::append_number(out, view.recent(), "RECENT");
  const auto entries = mailbox.entries();
  const auto unseen = std::ranges::find_if(entries, [](const store::Entry& entry) { return (entry.flags.system & store::flag::seen) == 0; });
  if (unseen != entries.end() && !session.features().rev2) out += fmt::format("* OK [UNSEEN {}] First unseen.\r\n", unseen - entries.begin() + 1);
  out += fmt::format("* OK [UIDVALIDITY {}] UIDs valid\r\n", mailbox.uid_validity());
  out += fmt::format("* OK [UIDNEXT {}] Predicted next UID\r\n", mailbox.uid_next());
  out += fmt::format("* OK [HIGHESTMODSEQ {}] Highest\r\n", mailbox.highest_modseq());
  out += fmt::format("* OK [MAILBOXID ({})] Ok\r\n", mailbox.mailbox_id());
  session.write(out);
}

// What the client has missed since he last looked (RFC 7162 section 3.2.5).
void resynchronize(Session& session, View& view, const imap::Qresync& known) {
  store::Mailbox& mailbox = view.mailbox();
  if (known.uid_validity != mailbox.uid_validity()) return;
  std::vector<imap::Range> gone;
  for (const store::UidRange& range : mailbox.vanished_since(known.modseq)) gone.push_back({range.first, range.last});
  imap::NumberSet vanished = imap::NumberSet::of(std::move(gone));
  if (known.known_uids) vanished = vanished.within(*known.known_uids);
  std::string out;
  imap::append_vanished(out, imap::Vanished::earlier, vanished);
  std::uint32_t number = 0;
  for (const store::Entry& entry : mailbox.entries()) {
    ++number;
    if (entry.modseq <= known.modseq || (known.known_uids && !known.known_uids->contains(entry.uid))) continue;
    out += fmt::format("* {} FETCH (UID {} FLAGS ", number, entry.uid);
    view.append_flags_of(out, entry, session.features());
    out += fmt::format(" MODSEQ ({}))\r\n", entry.modseq);
  }
  session.write(out);
}

Reply open(Session& session, imap::Values arguments, store::Access access) {
  const auto wanted = imap::SelectArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  if (wanted->qresync && !session.features().qresync) return bad_arguments(session, "QRESYNC not enabled");
  // RFC 9051 section 6.3.2: also where the new one cannot be opened, the old one is closed.
  if (session.view() != nullptr) {
    session.unselect();
    session.write("* OK [CLOSED] Previous mailbox closed.\r\n");
  }
  const auto name = session.store_name(wanted->mailbox);
  if (!name) return invalid_name(session, wanted->mailbox);
  auto mailbox = session.account().open(*name, access);
  if (!mailbox && mailbox.error().code() == ENOENT) return no(no_mailbox(wanted->mailbox), "NONEXISTENT");
  if (!mailbox) return session.failed(mailbox.error());
  if (wanted->condstore) session.features().condstore = true;
  session.select(std::make_unique<View>(std::move(*mailbox), *name));
  View& view = *session.view();
  tell_state(session, view, view.mailbox());
  if (session.features().rev2) {
    std::string out;
    if (const auto told = append_list_of(out, session, *name); !told) {
      session.unselect();
      return session.failed(told.error(), wanted->mailbox);
    }
    session.write(out);
  }
  if (wanted->qresync) resynchronize(session, view, *wanted->qresync);
  const bool is_read_only = view.mailbox().is_read_only();
  return ok(access == store::Access::read_only ? "Examine completed." : "Select completed.", is_read_only ? "READ-ONLY" : "READ-WRITE");
}

}  // namespace

// RFC 9051 sections 6.3.2 and 6.3.3.
Reply select(Session& session, imap::Values arguments) { return open(session, arguments, store::Access::read_write); }
Reply examine(Session& session, imap::Values arguments) { return open(session, arguments, store::Access::read_only); }

}  // namespace imapd
