#pragma once
// The commands after the login, a file each in commands/. A handler parses its arguments, acts, writes its untagged responses, and
// returns how the command ended; news of the mailbox and the tagged response are the session's (session.cc, finish).

#include <string_view>

#include "imapd/reply.h"
#include "lib/imap/arguments.h"

namespace imapd {

class Session;

enum class State { authenticated, selected };

// What of the mailbox's news goes out before the end of a command.
enum class Tells {
  nothing,       // the command has no news, or has told them itself
  no_vanished,   // message numbers are in use: FETCH, STORE, SEARCH and their like (RFC 9051 section 7.5.1)
  all,
};

struct Row {
  std::string_view name;
  Reply (*handler)(Session& session, imap::Values arguments);
  State state;
  Tells tells;
  bool reads_arguments;   // by itself, token by token, from the session's reader
  bool changes = false;   // messages: what it has done is told also to who asked for no news (NOTIFY)
};

// Null: there is no such command. `name` in capitals.
[[nodiscard]] const Row* find_command(std::string_view name);

Reply append(Session& session, imap::Values arguments);
Reply cancel_update(Session& session, imap::Values arguments);
Reply capability(Session& session, imap::Values arguments);
Reply check(Session& session, imap::Values arguments);
Reply close_mailbox(Session& session, imap::Values arguments);
Reply compress(Session& session, imap::Values arguments);
Reply copy(Session& session, imap::Values arguments);
Reply create(Session& session, imap::Values arguments);
Reply delete_mailbox(Session& session, imap::Values arguments);
Reply enable(Session& session, imap::Values arguments);
Reply examine(Session& session, imap::Values arguments);
Reply expunge(Session& session, imap::Values arguments);
Reply fetch(Session& session, imap::Values arguments);
Reply get_quota(Session& session, imap::Values arguments);
Reply get_quota_root(Session& session, imap::Values arguments);
Reply id(Session& session, imap::Values arguments);
Reply idle(Session& session, imap::Values arguments);
Reply list(Session& session, imap::Values arguments);
Reply logout(Session& session, imap::Values arguments);
Reply move(Session& session, imap::Values arguments);
Reply namespaces(Session& session, imap::Values arguments);
Reply noop(Session& session, imap::Values arguments);
Reply notify(Session& session, imap::Values arguments);
Reply rename_mailbox(Session& session, imap::Values arguments);
Reply replace(Session& session, imap::Values arguments);
Reply search(Session& session, imap::Values arguments);
Reply select(Session& session, imap::Values arguments);
Reply set_quota(Session& session, imap::Values arguments);
Reply sort(Session& session, imap::Values arguments);
Reply status(Session& session, imap::Values arguments);
Reply store_flags(Session& session, imap::Values arguments);
Reply subscribe(Session& session, imap::Values arguments);
Reply thread(Session& session, imap::Values arguments);
Reply unselect(Session& session, imap::Values arguments);
Reply unsubscribe(Session& session, imap::Values arguments);

// The words that all share.
[[nodiscard]] Reply bad_arguments(const Session& session, std::string_view why);
// Of a name that Session::store_name() does not know.
[[nodiscard]] Reply invalid_name(const Session& session, std::string_view written);
[[nodiscard]] std::string no_mailbox(std::string_view written_name);

}  // namespace imapd
