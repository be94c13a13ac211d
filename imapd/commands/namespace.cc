#include "imapd/commands.h"
#include "imapd/session.h"

namespace imapd {

// RFC 2342: there is one namespace, the user's own.
Reply namespaces(Session& session, imap::Values) {
  const Names& names = session.names();
  std::string out = "* NAMESPACE ((";
  imap::append_string(out, imap::encode_mailbox_name(names.prefix(), session.coding()));
  out += ' ';
  imap::append_string(out, std::string(1, names.separator()));
  session.write(out + ")) NIL NIL\r\n");
  return ok("Namespace completed.");
}

}  // namespace imapd
