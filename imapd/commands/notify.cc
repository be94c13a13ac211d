#include <array>
#include <cerrno>

#include "imapd/commands.h"
#include "imapd/notifier.h"
#include "imapd/session.h"

namespace imapd {
namespace {

// Of the events that nobody here can tell of.
std::string unsupported(const imap::NotifyArguments& wanted) {
  struct Row { std::string_view name; bool imap::NotifyEvents::*member; };
  constexpr std::array rows{Row{"AnnotationChange", &imap::NotifyEvents::annotation_change},
                            Row{"MailboxMetadataChange", &imap::NotifyEvents::mailbox_metadata_change},
                            Row{"ServerMetadataChange", &imap::NotifyEvents::server_metadata_change}};
  std::string out;
  for (const Row& row : rows) {
    for (const imap::NotifyGroup& group : wanted.groups) {
      if (!(group.events.*row.member)) continue;
      out += ' ' + std::string(row.name);
      break;
    }
  }
  return out;
}

}  // namespace

// RFC 5465 section 3.1.
Reply notify(Session& session, imap::Values arguments) {
  auto wanted = imap::NotifyArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  if (const std::string names = unsupported(*wanted); !names.empty()) return no("Unsupported NOTIFY events", "BADEVENT" + names);
  const bool wants_status = wanted->wants_status;
  auto notifier = std::make_unique<Notifier>(session, std::move(*wanted));
  if (const auto begun = notifier->begin(); !begun) {
    if (begun.error().code() == EOVERFLOW) return no("There are too many mailboxes to watch.", "NOTIFICATIONOVERFLOW");
    return session.failed(begun.error());
  }
  if (wants_status) notifier->tell_states();
  session.set_notifier(std::move(notifier));
  return ok("NOTIFY completed.");
}

}  // namespace imapd
