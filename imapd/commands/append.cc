#include <cerrno>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/session.h"
#include "lib/imap/append_reader.h"
#include "lib/message/content.h"

namespace imapd {
namespace {

// Of a literal8, whose binary parts are encoded. A larger one, which nobody should send, is kept as it comes.
constexpr std::uint64_t encoded_size_max = 16 * 1024 * 1024;

// One APPEND, with its messages.
class Appending {
 public:
  explicit Appending(Session& session) : session_(session), reader_(session.reader()) {}

  [[nodiscard]] Reply run() {
    std::string written;
    if (const imap::ReadEnd end = reader_.read_mailbox(written, session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
    if (auto opened = open(written); opened) refusal_ = std::move(opened);
    for (;;) {
      imap::AppendEvent event;
      if (const imap::ReadEnd end = reader_.next(event, session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
      if (event.kind == imap::AppendEvent::Kind::end) break;
      if (!refusal_) refusal_ = take(event);
      if (!refusal_) continue;
      // A client who waits for "+" hears at once that it is of no use; what others send is read over.
      if (const imap::ReadEnd end = session_.reader().skip(session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
      break;
    }
    if (refusal_) return std::move(*refusal_);
    const auto uids = append_->commit();
    if (!uids) return session_.failed(uids.error());
    imap::NumberSet set;
    for (const store::Uid uid : *uids) set.add(uid);
    return ok("Append completed.", fmt::format("APPENDUID {} {}", target().uid_validity(), set.text()));
  }

 private:
  [[nodiscard]] store::Mailbox& target() { return opened_ ? *opened_ : session_.view()->mailbox(); }

  [[nodiscard]] std::optional<Reply> open(std::string_view written) {
    const auto name = session_.store_name(written);
    if (!name) return invalid_name(session_, written);
    if (session_.view() == nullptr || session_.view()->name() != *name || session_.view()->mailbox().is_read_only()) {
      auto mailbox = session_.account().open(*name, store::Access::read_write);
      if (!mailbox && mailbox.error().code() == ENOENT) return no(no_mailbox(written), "TRYCREATE");
      if (!mailbox) return session_.failed(mailbox.error());
      opened_ = std::move(*mailbox);
    }
    auto append = target().append();
    if (!append) return session_.failed(append.error());
    append_ = std::move(*append);
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Reply> take(imap::AppendEvent& event) {
    using Kind = imap::AppendEvent::Kind;
    switch (event.kind) {
      case Kind::message: return begin(event);
      case Kind::literal: return take_literal(event);
      case Kind::url: return no("CATENATE URL cannot be resolved", fmt::format("BADURL {}", event.url));
      case Kind::message_end:
      case Kind::end: break;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Reply> begin(const imap::AppendEvent& event) {
    is_catenated_ = event.is_catenated;
    if (const auto refusal = event.flags.refusal()) return no(std::string(*refusal), "CANNOT");
    const auto bits = target().keyword_bits(event.flags.keywords, store::Mailbox::NewKeywords::add);
    if (!bits) return session_.failed(bits.error());
    std::optional<Stamp> date;
    if (event.date) date = Stamp(std::chrono::duration_cast<Stamp::duration>(event.date->time.time_since_epoch()));
    const auto begun = append_->begin({.system = static_cast<std::uint8_t>(event.flags.system & store::flag::all), .keywords = *bits}, date);
    if (!begun) return session_.failed(begun.error());
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Reply> take_literal(const imap::AppendEvent& event) {
    constexpr std::size_t piece = 16 * 1024;
    // RFC 3502 section 6.3.11: so a client gives up.
    if (event.size == 0 && !is_catenated_) return no("Can't save a zero byte message.");
    if (auto fits = session_.account().quota().check(static_cast<std::int64_t>(event.size), 1); !fits) return session_.failed(fits.error());
    session_.reader().accept_literal(session_.deadline());
    const bool may_encode = event.is_literal8 && !is_catenated_ && event.size <= encoded_size_max;
    std::string kept;
    while (session_.reader().literal_left() > 0) {
      const io::Stream::Bytes bytes = session_.reader().read_literal(piece, session_.deadline());
      if (bytes.end != io::End::ok) return no("Lost.");
      if (!event.is_literal8 && bytes.data.contains('\0')) return no("NUL in a literal", "BADCHARSET");
      if (may_encode) kept += bytes.data;
      else if (auto done = append_->write(bytes.data); !done) return session_.failed(done.error());
    }
    return may_encode ? write_encoded(kept) : std::nullopt;
  }

  [[nodiscard]] std::optional<Reply> write_encoded(std::string_view message) {
    Result<void> done;
    message::encode_binary(message, message::Parts::parse(message), [&](std::string_view text) {
      done = append_->write(text);
      return done.has_value();
    });
    if (!done) return session_.failed(done.error());
    return std::nullopt;
  }

  [[nodiscard]] Reply broken(imap::ReadEnd end) {
    if (end == imap::ReadEnd::fault) {
      if (session_.reader().fault().is_final) session_.end();
      return bad_arguments(session_, session_.reader().fault().text);
    }
    session_.end();
    return no("Lost.");
  }

  Session& session_;
  imap::AppendReader reader_;
  std::unique_ptr<store::Mailbox> opened_;   // null: the selected one
  std::unique_ptr<store::Append> append_;
  std::optional<Reply> refusal_;
  bool is_catenated_ = false;
};

}  // namespace

// APPEND (RFC 9051 section 6.3.12), with MULTIAPPEND (RFC 3502) and literal8 (RFC 3516).
Reply append(Session& session, imap::Values) { return Appending(session).run(); }

}  // namespace imapd
