#include "imapd/commands.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "imapd/session.h"

namespace imapd {
namespace {

using enum State;
using enum Tells;

// By name.
constexpr std::array rows{
    Row{"APPEND", &append, authenticated, all, true, true},
    Row{"CANCELUPDATE", &cancel_update, authenticated, all, false},
    Row{"CAPABILITY", &capability, authenticated, all, false},
    Row{"CHECK", &check, selected, all, false},
    Row{"CLOSE", &close_mailbox, selected, nothing, false},
    Row{"COMPRESS", &compress, authenticated, all, false},
    Row{"COPY", &copy, selected, all, false, true},
    Row{"CREATE", &create, authenticated, all, false},
    Row{"DELETE", &delete_mailbox, authenticated, all, false},
    Row{"ENABLE", &enable, authenticated, all, false},
    Row{"EXAMINE", &examine, authenticated, nothing, false},
    Row{"EXPUNGE", &expunge, selected, all, false, true},
    Row{"FETCH", &fetch, selected, no_vanished, false},
    Row{"GETQUOTA", &get_quota, authenticated, all, false},
    Row{"GETQUOTAROOT", &get_quota_root, authenticated, all, false},
    Row{"ID", &id, authenticated, all, false},
    Row{"IDLE", &idle, authenticated, all, false},
    Row{"LIST", &list, authenticated, all, false},
    Row{"LOGOUT", &logout, authenticated, nothing, false},
    Row{"LSUB", &list, authenticated, all, false},
    Row{"MOVE", &imapd::move, selected, all, false, true},
    Row{"NAMESPACE", &namespaces, authenticated, all, false},
    Row{"NOOP", &noop, authenticated, all, false},
    Row{"NOTIFY", &notify, authenticated, all, false},
    Row{"RENAME", &rename_mailbox, authenticated, all, false},
    Row{"REPLACE", &replace, selected, all, true, true},
    Row{"SEARCH", &search, selected, no_vanished, false},
    Row{"SELECT", &select, authenticated, nothing, false},
    Row{"SETQUOTA", &set_quota, authenticated, all, false},
    Row{"SORT", &imapd::sort, selected, no_vanished, false},
    Row{"STATUS", &status, authenticated, all, false},
    Row{"STORE", &store_flags, selected, no_vanished, false, true},
    Row{"SUBSCRIBE", &subscribe, authenticated, all, false},
    Row{"THREAD", &thread, selected, no_vanished, false},
    Row{"UID COPY", &copy, selected, all, false, true},
    Row{"UID EXPUNGE", &expunge, selected, all, false, true},
    Row{"UID FETCH", &fetch, selected, all, false},
    Row{"UID MOVE", &imapd::move, selected, all, false, true},
    Row{"UID REPLACE", &replace, selected, all, true, true},
    Row{"UID SEARCH", &search, selected, all, false},
    Row{"UID SORT", &imapd::sort, selected, all, false},
    Row{"UID STORE", &store_flags, selected, all, false, true},
    Row{"UID THREAD", &thread, selected, all, false},
    Row{"UNSELECT", &unselect, selected, nothing, false},
    Row{"UNSUBSCRIBE", &unsubscribe, authenticated, all, false},
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::name));

}  // namespace

const Row* find_command(std::string_view name) {
  const auto found = std::ranges::lower_bound(rows, name, {}, &Row::name);
  return found != rows.end() && found->name == name ? &*found : nullptr;
}

Reply bad_arguments(const Session& session, std::string_view why) {
  return bad(fmt::format("Error in IMAP command {}: {}", session.command().name, why));
}

Reply invalid_name(const Session& session, std::string_view written) {
  if (written.empty()) return no("Invalid mailbox name: Name is empty", "CANNOT");
  if (imap::decode_mailbox_name(written, session.coding())) {
    const std::string& prefix = session.names().prefix();
    if (prefix.empty() || written.starts_with(prefix)) return no(no_mailbox(written), "NONEXISTENT");
    return no(fmt::format("Client tried to access nonexistent namespace. (Mailbox name should probably be prefixed with: {})", prefix));
  }
  return no(session.coding() == imap::NameCoding::utf7 ? "Mailbox name is not valid mUTF-7" : "Mailbox name is not valid UTF-8");
}

std::string no_mailbox(std::string_view written_name) {
  return written_name.empty() ? "Mailbox doesn't exist" : fmt::format("Mailbox doesn't exist: {}", written_name);
}

}  // namespace imapd
