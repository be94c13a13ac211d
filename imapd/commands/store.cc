#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/message_arguments.h"

namespace imapd {
namespace {

store::FlagChange change_of(imap::StoreArguments::Operation operation) {
  using Operation = imap::StoreArguments::Operation;
  switch (operation) {
    case Operation::set: return store::FlagChange::set;
    case Operation::add: return store::FlagChange::add;
    case Operation::remove: return store::FlagChange::remove;
  }
  return store::FlagChange::set;
}

// As numbers of messages, or as UIDs.
std::string set_text(const View& view, std::span<const store::Uid> uids, bool is_uid) {
  imap::NumberSet numbers;
  for (const store::Uid uid : uids) numbers.add(is_uid ? uid : view.number_of(uid));
  return numbers.text();
}

}  // namespace

// STORE (RFC 9051 section 6.4.6), with UNCHANGEDSINCE (RFC 7162 section 3.1.3).
Reply store_flags(Session& session, imap::Values arguments) {
  const auto wanted = imap::StoreArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  View& view = *session.view();
  store::Mailbox& mailbox = view.mailbox();
  const bool is_uid = session.numbering() == imap::Numbering::uid;
  const auto uids = view.resolve(wanted->set, session.numbering());
  if (!uids) return bad_arguments(session, "Invalid messageset");
  if (mailbox.is_read_only()) return no("STORE attempted on a read-only mailbox", "READ-ONLY");
  if (const auto refusal = wanted->flags.refusal()) return no(std::string(*refusal), "CANNOT");
  if (wanted->unchanged_since) session.features().condstore = true;
  const bool may_add = wanted->operation != imap::StoreArguments::Operation::remove;
  const auto bits = mailbox.keyword_bits(wanted->flags.keywords, may_add ? store::Mailbox::NewKeywords::add : store::Mailbox::NewKeywords::ignore);
  if (!bits) return session.failed(bits.error());
  const store::Flags flags{.system = static_cast<std::uint8_t>(wanted->flags.system & store::flag::all), .keywords = *bits};
  const auto result = mailbox.store(*uids, change_of(wanted->operation), flags, wanted->unchanged_since);
  if (!result) return session.failed(result.error());
  if (auto done = view.refresh(); !done) return session.failed(done.error());
  std::vector<store::Uid> done_ones;
  std::ranges::set_difference(*uids, result->modified, std::back_inserter(done_ones));
  if (wanted->is_silent) view.be_silent_about(done_ones);
  else view.tell_again(done_ones);   // also those that had the flags already
  if (!result->modified.empty()) {
    return ok("Conditional store failed.", fmt::format("MODIFIED {}", set_text(view, result->modified, is_uid)));
  }
  if (!result->gone.empty() && !is_uid) return no("Some of the requested messages no longer exist.", "EXPUNGEISSUED");
  return ok("Store completed.");
}

}  // namespace imapd
