#include "imapd/appending.h"

#include <cerrno>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "lib/event/loop.h"
#include "lib/message/content.h"

namespace imapd {
namespace {

constexpr std::size_t piece_size = 16 * 1024;
constexpr std::uint64_t message_size_max = INT64_MAX / 4;   // where the site sets none
// Of a literal8, whose binary parts are encoded. A larger one, which nobody should send, is kept as it comes.
constexpr std::uint64_t encoded_size_max = 16 * 1024 * 1024;

// RFC 4469 section 4.1: a bracket would end the response code.
std::string for_code(std::string_view url) {
  std::string out;
  for (const char c : url) {
    if (c == ']') out += "%5D";
    else out += c;
  }
  return out;
}

}  // namespace

Reply Appending::append() {
  if (auto refusal = take_all(Many::allowed)) return std::move(*refusal);
  const auto uids = append_->commit();
  if (!uids) return session_.failed(uids.error());
  return ok("Append completed.", code(*uids));
}

Reply Appending::replace() {
  std::uint32_t number = 0;
  if (const imap::ReadEnd end = reader_.read_number(number, session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
  const auto old = replaced(number);
  if (!old) {
    if (const imap::ReadEnd end = session_.reader().skip(session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
    return old.error();
  }
  if (auto why = take_all(Many::refused)) return std::move(*why);
  const auto uids = append_->commit();
  if (!uids) return session_.failed(uids.error());
  // The new one is on disk before the old one goes: whatever happens in between, one of them is there.
  session_.write(fmt::format("* OK [{}] Replacement message saved\r\n", code(*uids)));
  const store::Uid gone[] = {*old};
  if (const auto done = session_.view()->mailbox().expunge(gone); !done) return session_.failed(done.error());
  return ok("Replace completed.");
}

std::expected<store::Uid, Reply> Appending::replaced(std::uint32_t number) {
  View& view = *session_.view();
  const bool is_uid = session_.numbering() == imap::Numbering::uid;
  if (is_uid && view.number_of(number) == 0) return std::unexpected(no("Invalid UID for replaced message"));
  if (!is_uid && number > view.exists()) return std::unexpected(bad_arguments(session_, "Invalid message sequence"));
  if (view.mailbox().is_read_only()) return std::unexpected(no("REPLACE attempted on a read-only mailbox", "READ-ONLY"));
  const store::Uid uid = is_uid ? number : view.uid_of(number);
  const auto message = view.mailbox().open(uid);
  if (!message && message.error().code() == ENOENT) return std::unexpected(no("The message no longer exists.", "EXPUNGEISSUED"));
  if (!message) return std::unexpected(session_.failed(message.error()));
  freed_ = {.bytes = static_cast<std::int64_t>(message->text().size()), .messages = 1};
  return uid;
}

std::optional<Reply> Appending::take_all(Many many) {
  std::string written;
  if (const imap::ReadEnd end = reader_.read_mailbox(written, session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
  std::optional<Reply> refusal = open(written);
  for (;;) {
    imap::AppendEvent event;
    if (const imap::ReadEnd end = reader_.next(event, session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
    if (event.kind == imap::AppendEvent::Kind::end) return refusal;
    if (many == Many::refused && event.kind == imap::AppendEvent::Kind::message && taken_.messages > 0) refusal = bad_arguments(session_, "Invalid arguments");
    if (!refusal) refusal = take(event);
    if (!refusal) continue;
    // A client who waits for "+" hears at once that it is of no use; what others send is read over.
    if (const imap::ReadEnd end = session_.reader().skip(session_.deadline()); end != imap::ReadEnd::ok) return broken(end);
    return refusal;
  }
}

std::optional<Reply> Appending::open(std::string_view written) {
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
  append_->in_place_of(freed_);
  return std::nullopt;
}

std::optional<Reply> Appending::take(imap::AppendEvent& event) {
  using Kind = imap::AppendEvent::Kind;
  switch (event.kind) {
    case Kind::message: return begin(event);
    case Kind::literal: return take_literal(event);
    case Kind::url: return take_url(event.url);
    case Kind::message_end:
    case Kind::end: break;
  }
  return std::nullopt;
}

std::optional<Reply> Appending::begin(const imap::AppendEvent& event) {
  is_catenated_ = event.is_catenated;
  message_size_ = 0;
  ++taken_.messages;
  if (const auto refusal = event.flags.refusal()) return no(std::string(*refusal), "CANNOT");
  const auto bits = target().keyword_bits(event.flags.keywords, store::Mailbox::NewKeywords::add);
  if (!bits) return session_.failed(bits.error());
  std::optional<Stamp> date;
  if (event.date) date = Stamp(std::chrono::duration_cast<Stamp::duration>(event.date->time.time_since_epoch()));
  const auto begun = append_->begin({.system = static_cast<std::uint8_t>(event.flags.system & store::flag::all), .keywords = *bits}, date);
  if (!begun) return session_.failed(begun.error());
  return std::nullopt;
}

std::optional<Reply> Appending::make_room(std::uint64_t size) {
  const auto given = static_cast<std::uint64_t>(session_.site().params.imapd_message_size_limit);
  if (size > (given > 0 ? given : message_size_max) - message_size_) return no("The message is larger than the server takes", "TOOBIG");
  const store::QuotaUse more{.bytes = taken_.bytes + static_cast<std::int64_t>(size) - freed_.bytes, .messages = taken_.messages - freed_.messages};
  if (auto fits = session_.account().quota().check(more.bytes, more.messages); !fits) return session_.failed(fits.error());
  message_size_ += size;
  taken_.bytes += static_cast<std::int64_t>(size);
  return std::nullopt;
}

std::optional<Reply> Appending::take_literal(const imap::AppendEvent& event) {
  // RFC 3502 section 6.3.11: so a client gives up.
  if (event.size == 0 && !is_catenated_) return no("Can't save a zero byte message.");
  if (auto refusal = make_room(event.size)) return refusal;
  session_.reader().accept_literal(session_.deadline());
  const bool may_encode = event.is_literal8 && !is_catenated_ && event.size <= encoded_size_max;
  std::string kept;
  while (session_.reader().literal_left() > 0) {
    const io::Stream::Bytes bytes = session_.reader().read_literal(piece_size, session_.deadline());
    if (bytes.end != io::End::ok) return no("Lost.");
    if (!event.is_literal8 && bytes.data.contains('\0')) return no("NUL in a literal", "BADCHARSET");
    if (may_encode) kept += bytes.data;
    else if (auto done = append_->write(bytes.data); !done) return session_.failed(done.error());
  }
  return may_encode ? write_encoded(kept) : std::nullopt;
}

std::optional<Reply> Appending::write_encoded(std::string_view message) {
  Result<void> done;
  message::encode_binary(message, message::Parts::parse(message), [&](std::string_view text) {
    done = append_->write(text);
    return done.has_value();
  });
  if (!done) return session_.failed(done.error());
  return std::nullopt;
}

std::optional<Reply> Appending::take_url(const std::string& url) {
  const auto found = source_.find(url);
  if (!found) return no(found.error().why, "BADURL " + for_code(url));
  if (auto refusal = make_room(found->size)) return refusal;
  message::WireReader reader(found->text, found->offset, found->size);
  std::string piece;
  while (reader.left() > 0 && !session_.is_lost()) {
    piece.clear();
    reader.read(piece, piece_size);
    if (auto done = append_->write(piece); !done) return session_.failed(done.error());
    event::breathe();
  }
  return std::nullopt;
}

Reply Appending::broken(imap::ReadEnd end) {
  if (end == imap::ReadEnd::fault) {
    if (session_.reader().fault().is_final) session_.end();
    return bad_arguments(session_, session_.reader().fault().text);
  }
  session_.end();
  return no("Lost.");
}

std::string Appending::code(const std::vector<store::Uid>& uids) {
  imap::NumberSet set;
  for (const store::Uid uid : uids) set.add(uid);
  return fmt::format("APPENDUID {} {}", target().uid_validity(), set.text());
}

}  // namespace imapd
