#include "imapd/fetch_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "imapd/sections.h"
#include "lib/event/loop.h"
#include "lib/message/content.h"
#include "lib/message/envelope.h"
#include "lib/message/imap_structure.h"
#include "lib/message/preview.h"

namespace imapd {
namespace {

using Attribute = imap::FetchAttribute;

constexpr std::size_t piece_size = 16 * 1024;   // of a literal that goes out

// The texts of a message as the index keeps them: each behind its length.
void pack(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += text;
}

bool unpack(std::string_view& from, std::string& text) {
  std::uint32_t size = 0;
  if (from.size() < sizeof size) return false;
  std::memcpy(&size, from.data(), sizeof size);
  from.remove_prefix(sizeof size);
  if (from.size() < size) return false;
  text = from.substr(0, size);
  from.remove_prefix(size);
  return true;
}

}  // namespace

Result<void> FetchWriter::write(std::uint32_t number, const store::Entry& entry) {
  entry_ = entry;
  facts_.reset();
  message_.reset();
  parts_.reset();
  texts_.reset();
  binaries_.clear();
  // All that may fail comes first: a response that has begun cannot be taken back.
  TRY(prepare(entry));
  out_ = fmt::format("* {} FETCH (", number);
  bool is_first = true;
  for (const imap::FetchItem& item : items_.items) {
    if (!is_first) out_ += ' ';
    is_first = false;
    out_ += item.label;
    out_ += ' ';
    TRY(append(item));
  }
  out_ += ")\r\n";
  session_.write(out_);
  event::breathe();
  return {};
}

Result<void> FetchWriter::prepare(const store::Entry& entry) {
  const auto any = [&](auto... attributes) { return (items_.has(attributes) || ...); };
  if (any(Attribute::rfc822_size, Attribute::internal_date, Attribute::save_date, Attribute::x_save_date)) {
    facts_ = TRY(session_.view()->mailbox().facts(entry.uid));
  }
  if (any(Attribute::envelope, Attribute::body, Attribute::body_structure)) TRY(texts());
  if (any(Attribute::section, Attribute::preview)) TRY(parts());
  for (const imap::FetchItem& item : items_.items) {
    if (item.attribute == Attribute::binary || item.attribute == Attribute::binary_size) TRY(decode(item));
  }
  return {};
}

Result<std::string_view> FetchWriter::text() {
  if (!message_) message_ = TRY(session_.view()->mailbox().open(entry_.uid));
  return message_->text();
}

Result<const message::Parts*> FetchWriter::parts() {
  const std::string_view all = TRY(text());
  if (!parts_) parts_ = message::Parts::parse(all);
  return &*parts_;
}

Result<const FetchWriter::Texts*> FetchWriter::texts() {
  if (texts_) return &*texts_;
  store::Mailbox& mailbox = session_.view()->mailbox();
  Texts found;
  if (const auto kept = mailbox.cached(entry_.uid)) {
    std::string_view rest = *kept;
    if (unpack(rest, found.envelope) && unpack(rest, found.body) && unpack(rest, found.structure)) {
      texts_ = std::move(found);
      return &*texts_;
    }
  }
  const message::Parts& known = *TRY(parts());
  const std::string_view all = TRY(text());
  message::append_envelope(found.envelope, message::Envelope::parse(known.root().header.of(all)));
  message::append_structure(found.body, all, known, message::StructureForm::body);
  message::append_structure(found.structure, all, known, message::StructureForm::bodystructure);
  std::string packed;
  for (const std::string* each : {&found.envelope, &found.body, &found.structure}) pack(packed, *each);
  if (packed.size() <= store::Mailbox::cached_size_max) mailbox.cache(entry_.uid, packed);
  texts_ = std::move(found);
  return &*texts_;
}

Result<void> FetchWriter::append(const imap::FetchItem& item) {
  const store::Mailbox& mailbox = session_.view()->mailbox();
  switch (item.attribute) {
    case Attribute::flags: session_.view()->append_flags_of(out_, entry_); break;
    case Attribute::internal_date: imap::append_date_time(out_, imap::local_date_time(facts_->internal_date)); break;
    case Attribute::save_date: imap::append_date_time(out_, imap::local_date_time(facts_->save_date)); break;
    case Attribute::x_save_date:
      out_ += fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(facts_->save_date.time_since_epoch()).count());
      break;
    case Attribute::envelope: out_ += TRY(texts())->envelope; break;
    case Attribute::body: out_ += TRY(texts())->body; break;
    case Attribute::body_structure: out_ += TRY(texts())->structure; break;
    case Attribute::rfc822_size: out_ += fmt::format("{}", facts_->size); break;
    case Attribute::uid:
    case Attribute::x_real_uid: out_ += fmt::format("{}", entry_.uid); break;
    case Attribute::modseq: out_ += fmt::format("({})", entry_.modseq); break;
    // RFC 8474 section 5: where it is not known, NIL; what stands here is unique in the mailbox and lasts.
    case Attribute::email_id: out_ += fmt::format("({}{:08x})", mailbox.mailbox_id(), entry_.uid); break;
    case Attribute::x_guid: imap::append_string(out_, fmt::format("{}{:08x}", mailbox.mailbox_id(), entry_.uid)); break;
    case Attribute::thread_id: out_ += "NIL"; break;
    case Attribute::x_mailbox: out_ += session_.wire_name(session_.view()->name()); break;
    case Attribute::preview: imap::append_string(out_, message::preview(TRY(text()), *TRY(parts()))); break;
    case Attribute::section: return append_section(item);
    case Attribute::binary:
    case Attribute::binary_size: append_binary(item); break;
  }
  return {};
}

Result<void> FetchWriter::append_section(const imap::FetchItem& item) {
  const std::string_view all = TRY(text());
  write_text(message::find_section(all, *TRY(parts()), section_of(item.section)), item);
  return {};
}

// "{n}" CR LF and the bytes, which go out as they are made.
void FetchWriter::write_text(const message::WireText& text, const imap::FetchItem& item) {
  const std::uint64_t offset = item.section.partial ? std::min<std::uint64_t>(item.section.partial->offset, text.size()) : 0;
  const std::uint64_t count = item.section.partial ? item.section.partial->size : text.size();
  message::WireReader reader(text, static_cast<std::size_t>(offset), static_cast<std::size_t>(std::min<std::uint64_t>(count, text.size())));
  imap::append_literal_header(out_, reader.left());
  while (reader.left() > 0 && !session_.is_lost()) {
    reader.read(out_, piece_size);
    if (out_.size() < piece_size) continue;
    session_.write(out_);
    out_.clear();
    event::breathe();
  }
}

// RFC 3516 section 4.
Result<void> FetchWriter::decode(const imap::FetchItem& item) {
  const message::Parts& known = *TRY(parts());
  const auto place = message::find_part(known, item.section.part);
  auto bytes = place ? message::decode_binary(TRY(text()), known[*place]) : std::expected<std::string, message::BinaryFault>(std::string());
  if (!bytes) return base::fail("a part cannot be decoded", bytes.error() == message::BinaryFault::broken ? EBADMSG : EOPNOTSUPP);
  binaries_.push_back(std::move(*bytes));
  return {};
}

void FetchWriter::append_binary(const imap::FetchItem& item) {
  const std::string bytes = std::move(binaries_.front());
  binaries_.pop_front();
  if (item.attribute == Attribute::binary_size) {
    out_ += fmt::format("{}", bytes.size());
    return;
  }
  std::string_view wanted = bytes;
  if (item.section.partial) {
    const auto from = std::min<std::uint64_t>(item.section.partial->offset, wanted.size());
    wanted = wanted.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(std::min<std::uint64_t>(item.section.partial->size, wanted.size())));
  }
  if (wanted.contains('\0')) imap::append_literal8_header(out_, wanted.size());
  else imap::append_literal_header(out_, wanted.size());
  out_ += wanted;
}

}  // namespace imapd
