#pragma once
// APPEND and REPLACE: messages that come in pieces, from the client and from messages that are there (CATENATE).

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/session.h"
#include "imapd/url_source.h"
#include "lib/imap/append_reader.h"

namespace imapd {

class Appending {
 public:
  explicit Appending(Session& session) : session_(session), reader_(session.reader()), source_(session) {}

  // All messages of an APPEND.
  [[nodiscard]] Reply append();
  // The one message of a REPLACE, in place of another of the selected mailbox (RFC 8508 section 3).
  [[nodiscard]] Reply replace();

 private:
  enum class Many { allowed, refused };

  // Reads and writes; none: it is all there but for commit().
  [[nodiscard]] std::optional<Reply> take_all(Many many);
  [[nodiscard]] std::optional<Reply> open(std::string_view written);
  [[nodiscard]] std::optional<Reply> take(imap::AppendEvent& event);
  [[nodiscard]] std::optional<Reply> begin(const imap::AppendEvent& event);
  [[nodiscard]] std::optional<Reply> take_literal(const imap::AppendEvent& event);
  [[nodiscard]] std::optional<Reply> write_encoded(std::string_view message);
  [[nodiscard]] std::optional<Reply> take_url(const std::string& url);
  // Before so much more is written.
  [[nodiscard]] std::optional<Reply> make_room(std::uint64_t size);
  // Which message goes; else why not.
  [[nodiscard]] std::expected<store::Uid, Reply> replaced(std::uint32_t number);
  [[nodiscard]] Reply broken(imap::ReadEnd end);
  [[nodiscard]] store::Mailbox& target() { return opened_ ? *opened_ : session_.view()->mailbox(); }
  // "APPENDUID 7 9:11"
  [[nodiscard]] std::string code(const std::vector<store::Uid>& uids);

  Session& session_;
  imap::AppendReader reader_;
  UrlSource source_;
  std::unique_ptr<store::Mailbox> opened_;   // null: the selected one
  std::unique_ptr<store::Append> append_;
  std::uint64_t message_size_ = 0;           // of this message, up to here
  store::QuotaUse taken_;                    // all messages up to here
  store::QuotaUse freed_;                    // by what is replaced
  bool is_catenated_ = false;
};

}  // namespace imapd
