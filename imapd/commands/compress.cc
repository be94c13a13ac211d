#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/session_arguments.h"

namespace imapd {

// RFC 4978. It begins behind the answer, which goes out as it is.
Reply compress(Session& session, imap::Values arguments) {
  const auto mechanism = imap::parse_compress(arguments);
  if (!mechanism) return bad_arguments(session, mechanism.error().message());
  if (*mechanism != "DEFLATE") return no("Unknown compression mechanism");
  if (session.compression() != Session::Compression::off) return no("COMPRESSION=DEFLATE already enabled", "COMPRESSIONACTIVE");
  session.compression() = Session::Compression::asked;
  return ok("Begin compression");
}

}  // namespace imapd
