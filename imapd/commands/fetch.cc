#include <algorithm>
#include <cerrno>
#include <vector>

#include "imapd/commands.h"
#include "imapd/fetch_writer.h"
#include "imapd/session.h"
#include "lib/base/ascii.h"
#include "lib/imap/fetch_items.h"
#include "lib/log/log.h"

namespace imapd {
namespace {

// RFC 7162 section 3.2.6: which of the UIDs have gone.
void tell_vanished(Session& session, const imap::FetchArguments& wanted) {
  const View& view = *session.view();
  std::vector<imap::Range> ranges;
  for (const store::UidRange& range : session.view()->mailbox().vanished_since(*wanted.changed_since)) ranges.push_back({range.first, range.last});
  // "*" is the last that there has been: it may be among those that have gone.
  const store::Uid last = session.view()->mailbox().uid_next() - 1;
  const imap::NumberSet asked = wanted.set.is_saved_result() ? view.saved() : wanted.set.resolve(last);
  std::string out;
  imap::append_vanished(out, imap::Vanished::earlier, imap::NumberSet::of(std::move(ranges)).within(asked));
  session.write(out);
}

// FETCH of a body sets \Seen (RFC 9051 section 6.4.5). Those that have got it: their responses tell the flags too.
std::vector<store::Uid> set_seen(Session& session, const std::vector<store::Uid>& uids) {
  store::Mailbox& mailbox = session.view()->mailbox();
  std::vector<store::Uid> unseen;
  for (const store::Uid uid : uids) {
    const store::Entry* const entry = mailbox.find(uid);
    if (entry != nullptr && (entry->flags.system & store::flag::seen) == 0) unseen.push_back(uid);
  }
  if (unseen.empty() || mailbox.is_read_only()) return {};
  const auto done = mailbox.store(unseen, store::FlagChange::add, {.system = store::flag::seen, .keywords = 0});
  if (!done) {
    maillog::warning("{}: flags cannot be written: {}", session.user().name, ascii::printable(done.error().message()));
    return {};
  }
  return done->changed;
}

}  // namespace

// FETCH and UID FETCH (RFC 9051 sections 6.4.5 and 6.4.9).
Reply fetch(Session& session, imap::Values arguments) {
  auto wanted = imap::FetchArguments::parse(arguments, session.numbering());
  if (!wanted) return bad_arguments(session, wanted.error().message());
  View& view = *session.view();
  const bool is_uid = session.numbering() == imap::Numbering::uid;
  if (wanted->wants_vanished && !session.features().qresync) return bad_arguments(session, "QRESYNC not enabled");
  auto uids = view.resolve(wanted->set, session.numbering());
  if (!uids) return bad_arguments(session, "Invalid messageset");
  if (is_uid) wanted->items.require(imap::FetchAttribute::uid);
  if (wanted->items.has(imap::FetchAttribute::modseq) || wanted->changed_since) session.features().condstore = true;
  if (wanted->changed_since) {
    wanted->items.require(imap::FetchAttribute::modseq);
    std::erase_if(*uids, [&](store::Uid uid) {
      const store::Entry* const entry = view.mailbox().find(uid);
      return entry != nullptr && entry->modseq <= *wanted->changed_since;
    });
  }
  if (wanted->wants_vanished) tell_vanished(session, *wanted);
  const std::vector<store::Uid> seen = wanted->items.sets_seen() ? set_seen(session, *uids) : std::vector<store::Uid>();
  imap::FetchItems with_flags = wanted->items;
  with_flags.require(imap::FetchAttribute::flags);
  FetchWriter writer(session, wanted->items), telling_flags(session, with_flags);
  bool any_gone = false, any_failed = false;
  for (const store::Uid uid : *uids) {
    if (session.is_lost()) break;
    const store::Entry* const entry = view.mailbox().find(uid);
    const auto written = entry == nullptr ? Result<void>(base::fail("gone", ENOENT)) : (std::ranges::binary_search(seen, uid) ? telling_flags : writer).write(view.number_of(uid), *entry);
    if (written) continue;
    if (written.error().code() == EOPNOTSUPP) return no("Unknown Content-Transfer-Encoding", "UNKNOWN-CTE");
    if (written.error().code() == EBADMSG) return no("Invalid data in MIME part", "PARSE");
    any_gone = any_gone || written.error().code() == ENOENT;
    if (written.error().code() == ENOENT) continue;
    any_failed = true;
    maillog::warning("{}: message {} cannot be read: {}", session.user().name, uid, ascii::printable(written.error().message()));
  }
  if (!seen.empty()) {
    if (auto done = view.refresh(); !done) return session.failed(done.error());
    view.forget_changes(seen);
  }
  if (any_failed) return no("Some messages could not be read. Refer to server log for more information.", "SERVERBUG");
  if (any_gone && !is_uid) return ok("Some messages were already expunged.", "EXPUNGEISSUED");
  return ok("Fetch completed.");
}

}  // namespace imapd
