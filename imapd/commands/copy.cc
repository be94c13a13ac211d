#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/progress.h"
#include "imapd/session.h"
#include "lib/imap/message_arguments.h"

namespace imapd {
namespace {

enum class Kind { copy, move };

// "COPYUID 7 1:3 9:11" (RFC 4315 section 3).
std::string copy_code(const store::CopiedUids& copied) {
  imap::NumberSet from, to;
  for (const auto& [source, target] : copied.pairs) {
    from.add(source);
    to.add(target);
  }
  return fmt::format("COPYUID {} {} {}", copied.uid_validity, from.text(), to.text());
}

Reply transfer(Session& session, imap::Values arguments, Kind kind) {
  const auto wanted = imap::CopyArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  View& view = *session.view();
  const auto uids = view.resolve(wanted->set, session.numbering());
  if (!uids) return bad_arguments(session, "Invalid messageset");
  if (kind == Kind::move && view.mailbox().is_read_only()) return no("MOVE attempted on a read-only mailbox", "READ-ONLY");
  const auto name = session.store_name(wanted->mailbox);
  if (!name) return invalid_name(session, wanted->mailbox);
  const std::string done = kind == Kind::copy ? "Copy completed." : "Move completed.";
  if (uids->empty()) return ok("No messages found.");
  // All or nothing: one that others have removed is not there to be copied (RFC 2180 section 4.4).
  const auto is_gone = [&](store::Uid uid) { return view.mailbox().find(uid) == nullptr; };
  if (session.numbering() == imap::Numbering::message && std::ranges::any_of(*uids, is_gone)) {
    return no("Some of the requested messages no longer exist.", "EXPUNGEISSUED");
  }
  const bool is_same = *name == view.name();
  std::unique_ptr<store::Mailbox> opened;
  if (!is_same) {
    auto target = session.account().open(*name, store::Access::read_write);
    if (!target && target.error().code() == ENOENT) return no(no_mailbox(wanted->mailbox), "TRYCREATE");
    if (!target) return session.failed(target.error());
    opened = std::move(*target);
  }
  store::Mailbox& target = is_same ? view.mailbox() : *opened;
  const Progress progress(session, kind == Kind::copy ? "Copied" : "Moved", uids->size());
  const auto copied = kind == Kind::copy ? view.mailbox().copy(*uids, target) : view.mailbox().move(*uids, target);
  if (!copied) {
    if (copied.error().code() == ENOENT) return no("Some of the requested messages no longer exist.", "EXPUNGEISSUED");
    return session.failed(copied.error());
  }
  if (copied->pairs.empty()) return ok("No messages found.");
  if (kind == Kind::copy) return ok(done, copy_code(*copied));
  // RFC 6851 section 4.3: before the EXPUNGE responses.
  session.write(fmt::format("* OK [{}] Moved UIDs.\r\n", copy_code(*copied)));
  return ok(done);
}

}  // namespace

// COPY and MOVE (RFC 9051 sections 6.4.7 and 6.4.8).
Reply copy(Session& session, imap::Values arguments) { return transfer(session, arguments, Kind::copy); }
Reply move(Session& session, imap::Values arguments) { return transfer(session, arguments, Kind::move); }

}  // namespace imapd
