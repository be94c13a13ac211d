#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/session_arguments.h"

namespace imapd {

// RFC 5161.
Reply enable(Session& session, imap::Values arguments) {
  const auto wanted = imap::parse_enable(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  Features& features = session.features();
  std::string enabled;
  const auto switch_on = [&](bool& feature, std::string_view name) {
    if (!feature) enabled += " " + std::string(name);
    feature = true;
  };
  for (const std::string& name : *wanted) {
    if (name == "CONDSTORE") switch_on(features.condstore, name);
    if (name == "QRESYNC") {
      switch_on(features.qresync, name);
      features.condstore = true;   // RFC 7162 section 3.2.3
    }
    if (name == "UTF8=ACCEPT") switch_on(features.utf8, name);
    if (name == "IMAP4REV2") switch_on(features.rev2, "IMAP4rev2");
  }
  session.write("* ENABLED" + enabled + "\r\n");
  return ok("Enabled.");
}

}  // namespace imapd
