#include "imapd/url_source.h"

#include <algorithm>
#include <cerrno>

#include "imapd/commands.h"
#include "imapd/sections.h"
#include "lib/message/parts.h"

namespace imapd {

std::expected<store::Mailbox*, UrlSource::Bad> UrlSource::mailbox_of(const imap::MessageUrl& url) {
  if (!url.host.empty()) return std::unexpected(Bad{"Invalid IMAP URL: Relative URL required"});
  View* const view = session_.view();
  if (url.mailbox.empty()) {
    if (view == nullptr) return std::unexpected(Bad{"Mailbox-relative IMAP URL, but no mailbox selected"});
    return &view->mailbox();
  }
  const auto name = session_.names().to_store(url.mailbox, imap::NameCoding::utf8);
  if (!name) return std::unexpected(Bad{no_mailbox(url.mailbox)});
  if (view != nullptr && view->name() == *name) return &view->mailbox();
  if (opened_ == nullptr || opened_name_ != *name) {
    auto mailbox = session_.account().open(*name, store::Access::read_only);
    if (!mailbox) return std::unexpected(Bad{mailbox.error().code() == ENOENT ? no_mailbox(url.mailbox) : session_.failed(mailbox.error(), url.mailbox).text});
    opened_ = std::move(*mailbox);
    opened_name_ = *name;
  }
  return opened_.get();
}

std::expected<UrlSource::Found, UrlSource::Bad> UrlSource::find(std::string_view text) {
  const auto url = imap::MessageUrl::parse(text);
  if (!url) return std::unexpected(Bad{url.error().message()});
  const auto mailbox = mailbox_of(*url);
  if (!mailbox) return std::unexpected(mailbox.error());
  if (url->uid_validity && *url->uid_validity != (*mailbox)->uid_validity()) return std::unexpected(Bad{"Invalid UIDVALIDITY"});
  auto message = (*mailbox)->open(url->uid);
  if (!message) return std::unexpected(Bad{message.error().code() == ENOENT ? "Message not found" : session_.failed(message.error()).text});
  message_ = std::move(*message);
  Found found{.text = message::find_section(message_.text(), message::Parts::parse(message_.text()), section_of(url->section)), .offset = 0, .size = 0};
  const auto& partial = url->section.partial;
  found.offset = partial ? static_cast<std::size_t>(std::min<std::uint64_t>(partial->offset, found.text.size())) : 0;
  found.size = static_cast<std::size_t>(std::min<std::uint64_t>(partial ? partial->size : found.text.size(), found.text.size() - found.offset));
  return found;
}

}  // namespace imapd
