#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/mailbox_arguments.h"

namespace imapd {
namespace {

// All mailboxes of an account count to one root, which has Dovecot's usual name.
constexpr std::string_view root_name = "User quota";
constexpr std::int64_t storage_unit = 1024;   // RFC 9208 section 5.1

std::int64_t units(std::int64_t bytes) { return (bytes + storage_unit - 1) / storage_unit; }

// "* QUOTA "User quota" (STORAGE 1 4 MESSAGE 3 6)": what has a limit.
void append_quota(std::string& out, const store::QuotaState& state) {
  out += "* QUOTA ";
  imap::append_string(out, root_name);
  out += ' ';
  imap::ListWriter list(out);
  if (state.limit.bytes > 0) list.atom(fmt::format("STORAGE {} {}", units(state.use.bytes), units(state.limit.bytes)));
  if (state.limit.messages > 0) list.atom(fmt::format("MESSAGE {} {}", state.use.messages, state.limit.messages));
  list.close();
  out += "\r\n";
}

}  // namespace

// RFC 9208 section 4.2.
Reply get_quota(Session& session, imap::Values arguments) {
  const auto root = imap::parse_mailbox_argument(arguments);
  if (!root) return bad_arguments(session, root.error().message());
  const auto state = session.account().quota().state();
  if (!state) return session.failed(state.error());
  if (*root != root_name || !state->limit.is_set()) return no("Quota root doesn't exist.");
  std::string out;
  append_quota(out, *state);
  session.write(out);
  return ok("Getquota completed.");
}

// RFC 9208 section 4.3. A mailbox that is not there has the root that it would have.
Reply get_quota_root(Session& session, imap::Values arguments) {
  const auto mailbox = imap::parse_mailbox_argument(arguments);
  if (!mailbox) return bad_arguments(session, mailbox.error().message());
  const auto state = session.account().quota().state();
  if (!state) return session.failed(state.error());
  std::string out = "* QUOTAROOT ";
  imap::append_astring(out, *mailbox);
  if (state->limit.is_set()) {
    out += ' ';
    imap::append_string(out, root_name);
  }
  out += "\r\n";
  if (state->limit.is_set()) append_quota(out, *state);
  session.write(out);
  return ok("Getquotaroot completed.");
}

// RFC 9208 section 4.1: limits are the administrator's.
Reply set_quota(Session& session, imap::Values arguments) {
  if (arguments.size() < 2) return bad_arguments(session, "Missing arguments");
  return no("Permission denied", "NOPERM");
}

}  // namespace imapd
