#include "cleanup/draft.h"

#include <algorithm>
#include <utility>

#include "cleanup/field_lines.h"
#include "lib/base/ascii.h"
#include "lib/mail/header.h"
#include "lib/mail/header_block.h"

namespace cleanup {
namespace {

using queue::RecordType;

// Collects the fields of a header, and sees its end.
class HeaderReader final : private mail::HeaderBlock::Handler {
 public:
  HeaderReader(std::size_t field_limit, std::vector<std::string>& fields) : fields_(fields), block_(field_limit, *this) {}
  void take(std::string_view data, bool is_whole) { block_.take(data, is_whole); }
  void finish() { block_.finish(); }
  [[nodiscard]] bool is_open() const { return block_.is_open(); }
  [[nodiscard]] bool has_separator() const { return has_separator_; }

 private:
  void field(std::string_view text) override { fields_.emplace_back(text); }
  void end_of_header(mail::HeaderBlock::End end, std::string_view, bool) override { has_separator_ = end == mail::HeaderBlock::End::empty_line; }

  std::vector<std::string>& fields_;
  bool has_separator_ = false;
  mail::HeaderBlock block_;
};

}  // namespace

std::size_t own_received(const std::vector<std::string>& header) {
  constexpr std::string_view name = "Received";
  const auto found = std::ranges::find_if(header, [&](const std::string& field) {
    const auto parsed = mail::split_header(field);
    return parsed && ascii::equal_ignoring_case(parsed->name, name);
  });
  return found == header.end() ? std::string::npos : static_cast<std::size_t>(found - header.begin());
}

Result<std::unique_ptr<Draft>> Draft::open(std::string directory) {
  Spool content = TRY(Spool::open(directory));
  return std::unique_ptr<Draft>(new Draft(std::move(directory), std::move(content)));
}

void Draft::put(RecordType type, std::string_view data) {
  if (part_ == Part::content && type == RecordType::extracted) part_ = Part::extracted;
  switch (part_) {
    case Part::envelope:
      envelope_.push_back({type, std::string(data)});
      if (type == RecordType::message_start) part_ = Part::content;
      return;
    case Part::content:
      if (failure_) return;
      if (auto added = content_.add(type, data); !added) failure_ = std::move(added).error();
      return;
    case Part::extracted: extracted_.push_back({type, std::string(data)}); return;
  }
}

Result<void> Draft::read_header(std::size_t field_limit) {
  HeaderReader reader(field_limit, header_);
  body_offset_ = TRY(content_.read(0, [&](RecordType type, std::string_view data) -> Result<bool> {
    reader.take(data, type == RecordType::normal);
    return reader.is_open();
  }));
  if (reader.is_open()) reader.finish();
  has_separator_ = reader.has_separator();
  return {};
}

Result<void> Draft::read_body(std::size_t size, const TakePiece& take) {
  std::string buffer;
  bool goes_on = true;
  Spool& source = body_ ? *body_ : content_;
  TRY(source.read(body_ ? 0 : body_offset_, [&](RecordType type, std::string_view data) -> Result<bool> {
    buffer += data;
    if (type == RecordType::normal) buffer += "\r\n";
    std::size_t done = 0;
    for (; goes_on && buffer.size() - done >= size; done += size) goes_on = take(std::string_view(buffer).substr(done, size));
    buffer.erase(0, done);
    return goes_on;
  }));
  if (goes_on && !buffer.empty()) take(buffer);
  return {};
}

void Draft::replace_body(Spool body) {
  body_ = std::move(body);
  has_separator_ = true;
}

void Draft::change_sender(std::string_view sender) {
  const auto found = std::ranges::find(envelope_, RecordType::sender, &Record::type);
  if (found != envelope_.end()) found->data = sender;
}

void Draft::set_attribute(std::string_view name, std::string_view value) {
  std::string data(name);
  data.append("=");
  const auto found = std::ranges::find_if(envelope_, [&](const Record& r) { return r.type == RecordType::attribute && r.data.starts_with(data); });
  data += value;
  if (found != envelope_.end()) {
    found->data = std::move(data);
    return;
  }
  const auto sender = std::ranges::find(envelope_, RecordType::sender, &Record::type);
  envelope_.insert(sender, {RecordType::attribute, std::move(data)});
}

long Draft::delete_from(std::vector<Record>& records, std::string_view internal) {
  long count = 0;
  std::string_view original;
  for (Record& record : records) {
    if (record.type == RecordType::original_recipient) original = record.data;
    if (record.type != RecordType::recipient) continue;
    if ((original.empty() ? std::string_view(record.data) : original) == internal) {
      record.type = RecordType::cancelled;
      ++count;
    }
    original = {};
  }
  return count;
}

long Draft::delete_recipient(std::string_view internal) { return delete_from(envelope_, internal) + delete_from(extracted_, internal); }

Result<void> Draft::copy_to(Output& output, std::size_t line_limit) {
  if (failure_) return base::Failure(*failure_);
  for (const Record& record : envelope_) output.put(record.type, record.data);
  for (const std::string& field : header_) put_field(output, field, line_limit);
  if (has_separator_) output.put(RecordType::normal, {});
  Spool& source = body_ ? *body_ : content_;
  TRY(source.read(body_ ? 0 : body_offset_, [&](RecordType type, std::string_view data) -> Result<bool> {
    output.put(type, data);
    return true;
  }));
  for (const Record& record : extracted_) output.put(record.type, record.data);
  return {};
}

}  // namespace cleanup
