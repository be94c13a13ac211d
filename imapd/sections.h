#pragma once
// Sections of messages as commands and URLs name them, for lib/message to find.

#include "lib/imap/fetch_items.h"
#include "lib/message/section.h"

namespace imapd {

[[nodiscard]] message::Section section_of(const imap::Section& wanted);

}  // namespace imapd
