#pragma once
// The messages that URLs name within an account (RFC 4469 section 3, RFC 5550 section 3.1): what CATENATE takes.

#include <functional>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "imapd/session.h"
#include "lib/imap/url.h"
#include "lib/message/wire_text.h"

namespace imapd {

class UrlSource {
 public:
  explicit UrlSource(Session& session) : session_(session) {}

  // Why a URL is of no use: the words for NO [BADURL ..].
  struct Bad {
    std::string why;
  };
  // What it names: a part of `text`, which is as FETCH would send it. Good until the next call.
  struct Found {
    message::WireText text;
    std::size_t offset, size;
  };
  [[nodiscard]] std::expected<Found, Bad> find(std::string_view url);

 private:
  [[nodiscard]] std::expected<store::Mailbox*, Bad> mailbox_of(const imap::MessageUrl& url);

  Session& session_;
  // The last mailbox that was opened for it: URLs of one message are often of one mailbox.
  std::unique_ptr<store::Mailbox> opened_;
  std::string opened_name_;
  store::Message message_;
};

}  // namespace imapd
