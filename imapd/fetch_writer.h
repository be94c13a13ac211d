#pragma once
// FETCH responses for one message after the other.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "imapd/session.h"
#include "lib/imap/fetch_items.h"
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
  // What is known of the message at hand, looked at only where an item asks for it.
  struct Texts {
    std::string envelope, body, structure;
  };
  [[nodiscard]] Result<void> prepare(const store::Entry& entry);
  [[nodiscard]] Result<std::string_view> text();
  [[nodiscard]] Result<const message::Parts*> parts();
  [[nodiscard]] Result<const Texts*> texts();
  [[nodiscard]] Result<void> append(const imap::FetchItem& item);
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
  std::optional<Texts> texts_;
  std::deque<std::string> binaries_;   // of the items that ask for them, in their order
};

}  // namespace imapd
