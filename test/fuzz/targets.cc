#include <array>

#include "test/fuzz/target.h"

namespace fuzz {

std::span<const Target> targets() {
  static constexpr std::array all{Target{"command", command}, Target{"address", address}, Target{"mime", mime},
                                  Target{"milter", milter}, Target{"policy", policy}, Target{"auth_client", auth_client},
                                  Target{"auth_line", auth_line}, Target{"login", login},
                                  Target{"imap_command", imap_command}, Target{"imap_search", imap_search}, Target{"imap_text", imap_text},
                                  Target{"uidlist", uidlist}, Target{"courier", courier}, Target{"mbox", mbox},
                                  Target{"mail_index", mail_index}, Target{"mailbox_name", mailbox_name},
                                  Target{"structure", structure}, Target{"search", search}, Target{"threads", threads}};
  return all;
}

}  // namespace fuzz
