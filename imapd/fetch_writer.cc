#include "imapd/fetch_writer.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "imapd/sections.h"
#include "lib/event/loop.h"
#include "lib/message/envelope.h"
#include "lib/message/imap_structure.h"
#include "lib/message/preview.h"
#include "lib/message/sort_keys.h"

namespace imapd {
namespace {

using Attribute = imap::FetchAttribute;
using Kind = KeptTexts::Kind;

constexpr std::size_t piece_size = 16 * 1024;   // of a literal that goes out

// What the cache may have of it; a preview that is asked for lazily is not worked out.
std::optional<Kind> kept_kind(const imap::FetchItem& item) {
  if (item.attribute == Attribute::envelope) return Kind::envelope;
  if (item.attribute == Attribute::body) return Kind::body;
  if (item.attribute == Attribute::body_structure) return Kind::structure;
  if (item.attribute == Attribute::preview && !item.is_lazy) return Kind::preview;
  return std::nullopt;
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
  out_.clear();
  fmt::format_to(std::back_inserter(out_), "* {} FETCH (", number);
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
  if (any(Attribute::envelope, Attribute::body, Attribute::body_structure, Attribute::preview)) TRY(prepare_texts());
  if (any(Attribute::section)) TRY(parts());
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

// What is asked for, and no more: an envelope needs the header only, which of a large message is a small part.
Result<void> FetchWriter::prepare_texts() {
  texts_.emplace(session_.view()->mailbox(), entry_.uid);
  for (const imap::FetchItem& item : items_.items) {
    const auto kind = kept_kind(item);
    if (kind && !texts_->find(*kind)) texts_->set(*kind, TRY(work_out(*kind)));
  }
  texts_->save();
  return {};
}

Result<std::string> FetchWriter::work_out(KeptTexts::Kind kind) {
  const std::string_view all = TRY(text());
  std::string out;
  switch (kind) {
    case Kind::sort_fields: out = message::sort_fields(all); break;
    case Kind::envelope: message::append_envelope(out, message::Envelope::parse(all)); break;
    case Kind::body: message::append_structure(out, all, *TRY(parts()), message::StructureForm::body); break;
    case Kind::structure: message::append_structure(out, all, *TRY(parts()), message::StructureForm::bodystructure); break;
    case Kind::preview: out = message::preview(all, *TRY(parts())); break;
  }
  return out;
}

Result<void> FetchWriter::append(const imap::FetchItem& item) {
  const store::Mailbox& mailbox = session_.view()->mailbox();
  switch (item.attribute) {
    case Attribute::flags: session_.view()->append_flags_of(out_, entry_, session_.features()); break;
    case Attribute::internal_date: imap::append_date_time(out_, imap::local_date_time(facts_->internal_date)); break;
    case Attribute::save_date: imap::append_date_time(out_, imap::local_date_time(facts_->save_date)); break;
    case Attribute::x_save_date:
      out_ += fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(facts_->save_date.time_since_epoch()).count());
      break;
    case Attribute::envelope: out_ += *texts_->find(Kind::envelope); break;
    case Attribute::body: out_ += *texts_->find(Kind::body); break;
    case Attribute::body_structure: out_ += *texts_->find(Kind::structure); break;
    case Attribute::rfc822_size: out_ += fmt::format("{}", facts_->size); break;
    case Attribute::uid:
    case Attribute::x_real_uid: out_ += fmt::format("{}", entry_.uid); break;
    case Attribute::modseq: out_ += fmt::format("({})", entry_.modseq); break;
    // RFC 8474 section 5: where it is not known, NIL; what stands here is unique in the mailbox and lasts.
    case Attribute::email_id: out_ += fmt::format("({}{:08x})", mailbox.mailbox_id(), entry_.uid); break;
    case Attribute::x_guid: imap::append_string(out_, fmt::format("{}{:08x}", mailbox.mailbox_id(), entry_.uid)); break;
    case Attribute::thread_id: out_ += "NIL"; break;
    case Attribute::x_mailbox: out_ += session_.wire_name(session_.view()->name()); break;
    case Attribute::preview: append_preview(item); break;
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

// RFC 8970; with its algorithm, as before that RFC, for who asks so. One that is asked for lazily is told if it is known.
void FetchWriter::append_preview(const imap::FetchItem& item) {
  const auto& text = texts_->find(Kind::preview);
  if (item.is_fuzzy) out_ += "(FUZZY ";
  if (!text) imap::append_nil(out_);
  else imap::append_string(out_, *text);
  if (item.is_fuzzy) out_ += ')';
}

// RFC 3516 section 4.
Result<void> FetchWriter::decode(const imap::FetchItem& item) {
  auto found = message::decode_binary(TRY(text()), *TRY(parts()), item.section.part);
  if (!found) return base::fail("a part cannot be decoded", found.error() == message::BinaryFault::broken ? EBADMSG : EOPNOTSUPP);
  binaries_.push_back(std::move(*found));
  return {};
}

void FetchWriter::append_binary(const imap::FetchItem& item) {
  const message::Binary found = std::move(binaries_.front());
  binaries_.pop_front();
  if (item.attribute == Attribute::binary_size) {
    out_ += fmt::format("{}", found.bytes.size());
    return;
  }
  std::string_view wanted = found.bytes;
  if (item.section.partial) {
    const auto from = std::min<std::uint64_t>(item.section.partial->offset, wanted.size());
    wanted = wanted.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(std::min<std::uint64_t>(item.section.partial->size, wanted.size())));
  }
  if (found.is_decoded || wanted.contains('\0')) imap::append_literal8_header(out_, wanted.size());
  else imap::append_literal_header(out_, wanted.size());
  out_ += wanted;
}

}  // namespace imapd
