#include "cleanup/edits.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

namespace cleanup {
namespace {

// RFC 5322 section 3.6.8.
bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != ':'; });
}

// The value on lines that all belong to the field: no line of it can be a field of its own, or end the header.
std::string folded(std::string_view value) {
  std::string out;
  for (bool is_first = true; !value.empty() || is_first; is_first = false) {
    const std::size_t end = value.find('\n');
    std::string line(value.substr(0, end));
    std::erase(line, '\r');
    value = end == std::string_view::npos ? std::string_view() : value.substr(end + 1);
    if (is_first) {
      out = std::move(line);
    } else if (!ascii::trim(line).empty()) {
      out += mail::is_folded(line) ? "\n" : "\n\t";
      out += line;
    }
  }
  return out;
}

// "<a@b>" or "a@b", in internal form.
std::string internal_address(std::string_view address) {
  address = ascii::trim(address);
  if (address.starts_with('<') && address.ends_with('>')) address = address.substr(1, address.size() - 2);
  return mail::to_internal(address);
}

}  // namespace

Edits::Edits(Draft& draft, Message& message, const Policy& policy, bool keeps_space)
    : draft_(draft),
      message_(message),
      policy_(policy),
      keeps_space_(keeps_space),
      checks_(policy.checks, message.checked("milter-header-")),
      header_(draft.header()) {}

std::optional<std::string> Edits::made(std::string_view name, std::string_view value) {
  if (!is_field_name(name)) {
    maillog::warning("{}: ignoring milter request for a header field with a bad name: {}", message_.queue_id(), ascii::printable(name));
    return std::nullopt;
  }
  const std::string text = fmt::format("{}:{}{}", name, keeps_space_ ? "" : " ", folded(value));
  if (policy_.checks.milter.empty()) return text;
  return checks_.milter_field(text);
}

Result<void> Edits::add_header(std::string_view name, std::string_view value) {
  if (auto field = made(name, value)) header_.push_back(std::move(*field));
  return {};
}

Result<void> Edits::insert_header(std::uint32_t index, std::string_view name, std::string_view value) {
  auto field = made(name, value);
  if (!field) return {};
  const std::size_t at = std::min<std::size_t>(index, header_.size());
  header_.insert(header_.begin() + static_cast<std::ptrdiff_t>(at), std::move(*field));
  return {};
}

Result<void> Edits::change_header(std::uint32_t index, std::string_view name, std::string_view value) {
  std::uint32_t seen = 0;
  const std::size_t own = own_received(header_);
  for (std::size_t i = 0; i < header_.size(); ++i) {
    const auto field = mail::split_header(header_[i]);
    if (!field || !ascii::equal_ignoring_case(field->name, name) || i == own) continue;
    if (++seen < std::max<std::uint32_t>(index, 1)) continue;
    auto text = value.empty() ? std::optional<std::string>() : made(name, value);
    if (text) header_[i] = std::move(*text);
    else header_.erase(header_.begin() + static_cast<std::ptrdiff_t>(i));
    return {};
  }
  return value.empty() ? Result<void>() : add_header(name, value);
}

Result<void> Edits::change_sender(std::string_view address, std::string_view arguments) {
  envelope_.push_back({EnvelopeEdit::Kind::sender, internal_address(address), std::string(arguments)});
  return {};
}

Result<void> Edits::add_recipient(std::string_view address, std::string_view arguments) {
  envelope_.push_back({EnvelopeEdit::Kind::add, internal_address(address), std::string(arguments)});
  return {};
}

Result<void> Edits::delete_recipient(std::string_view address) {
  envelope_.push_back({EnvelopeEdit::Kind::remove, internal_address(address), {}});
  return {};
}

Result<void> Edits::replace_body(std::string_view piece) {
  if (!body_) body_ = TRY(Spool::open(draft_.directory()));
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    line_ += piece.substr(0, end);
    if (end == std::string_view::npos) break;
    if (line_.ends_with('\r')) line_.pop_back();
    TRY(add_body_line(true));
    piece.remove_prefix(end + 1);
  }
  TRY(add_body_line(false));
  return {};
}

// Writes the parts of the line that are as long as a record may be, and at its end the rest.
Result<void> Edits::add_body_line(bool is_last) {
  const std::size_t limit = policy_.line_length_limit;
  std::string_view rest = line_;
  // What is kept back may be the CR of its end.
  for (; rest.size() > (is_last ? limit : limit + 1); rest.remove_prefix(limit)) {
    TRY(body_->add(queue::RecordType::continued, rest.substr(0, limit)));
    is_continued_ = true;
  }
  if (is_last) {
    TRY(body_->add(queue::RecordType::normal, rest));
    is_continued_ = false;
    line_.clear();
  } else if (rest.size() < line_.size()) {
    line_ = std::string(rest);
  }
  const bool is_too_big = policy_.message_size_limit > 0 && body_->size() > policy_.message_size_limit;
  if (is_too_big) return base::fail(std::string(too_big));
  return {};
}

Result<void> Edits::quarantine(std::string_view reason) {
  quarantine_ = reason.empty() ? "milter triggers HOLD action" : reason;
  return {};
}

Result<void> Edits::commit() {
  if (body_) {
    if (!line_.empty() || is_continued_) TRY(add_body_line(true));
    draft_.replace_body(std::move(*body_));
  }
  draft_.header() = std::move(header_);
  for (const EnvelopeEdit& edit : envelope_) {
    switch (edit.kind) {
      case EnvelopeEdit::Kind::sender: {
        const Message::NewSender sender = TRY(message_.change_sender(edit.address, edit.arguments));
        draft_.change_sender(sender.address);
        if (!sender.ret.empty()) draft_.set_attribute("ret_flags", sender.ret);
        if (!sender.envelope_id.empty()) draft_.set_attribute("envelope_id", sender.envelope_id);
        break;
      }
      case EnvelopeEdit::Kind::add: TRY(message_.add_recipient(edit.address, edit.arguments)); break;
      case EnvelopeEdit::Kind::remove: draft_.delete_recipient(edit.address); break;
    }
  }
  return {};
}

}  // namespace cleanup
