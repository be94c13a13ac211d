#pragma once
// FETCH responses for one message after the other.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "imapd/kept_texts.h"
#include "imapd/session.h"
#include "lib/imap/fetch_items.h"
#include "lib/message/content.h"
#include "lib/message/parts.h"
#include "lib/message/wire_text.h"

namespace imapd {

class FetchWriter {
 public:
  FetchWriter(Session& session, const imap::FetchItems& items) : session_(session), items_(items) {}

  // "* 7 FETCH (..)". The error: the message cannot be read, and nothing has been written. ENOENT: it has gone; EOPNOTSUPP and EBADMSG:
  // a part has an encoding that nobody knows, or is not in it (BINARY).
  [[nodiscard]] Result<void> write(std::uint32_t number, const store::Entry& entry);

 private:
  [[nodiscard]] Result<void> prepare(const store::Entry& entry);
  [[nodiscard]] Result<void> prepare_texts();
  [[nodiscard]] Result<std::string> work_out(KeptTexts::Kind kind);
  // Of the message at hand, looked at only where an item asks for it.
  [[nodiscard]] Result<std::string_view> text();
  [[nodiscard]] Result<const message::Parts*> parts();
  [[nodiscard]] Result<void> append(const imap::FetchItem& item);
  void append_preview(const imap::FetchItem& item);
  [[nodiscard]] Result<void> append_section(const imap::FetchItem& item);
  [[nodiscard]] Result<void> decode(const imap::FetchItem& item);
  void append_binary(const imap::FetchItem& item);
  void write_text(const message::WireText& text, const imap::FetchItem& item);

  Session& session_;
  const imap::FetchItems& items_;
  std::string out_;
  store::Entry entry_;
  std::optional<store::Facts> facts_;
  std::optional<store::Message> message_;
  std::optional<message::Parts> parts_;
  std::optional<KeptTexts> texts_;
  std::deque<message::Binary> binaries_;   // of the items that ask for them, in their order
};

}  // namespace imapd
