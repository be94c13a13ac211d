#include "lib/mailbox/content.h"

#include <array>
#include <ctime>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"

namespace mailbox {
namespace {

constexpr std::string_view from_space = "From ";

// "Tue Nov 24 06:44:02 2026", local time, as asctime(3).
std::string from_line_date(Stamp stamp) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(stamp);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &local);
  return {text.data(), length};
}

std::string one_line(std::string_view address) { return ascii::printable(mail::to_external(address)); }

}  // namespace

std::string from_line(std::string_view sender, Stamp arrived) {
  return fmt::format("From {}  {}\n", sender.empty() ? "MAILER-DAEMON" : ascii::printable(sender), from_line_date(arrived));
}

std::string heading_text(const Heading& heading, Format format) {
  const std::string sender = one_line(heading.sender);
  std::string text;
  if (format != Format::maildir) text += from_line(sender, heading.arrived);
  text += fmt::format("Return-Path: <{}>\n", sender);
  if (!heading.original_to.empty()) text += fmt::format("X-Original-To: {}\n", one_line(heading.original_to));
  if (!heading.delivered_to.empty()) text += fmt::format("Delivered-To: {}\n", one_line(heading.delivered_to));
  return text;
}

Shape shape_of(const Heading& heading, Format format) {
  const bool is_mbox = format == Format::mbox;
  return {.heading = heading_text(heading, format), .quotes_from = is_mbox, .ends_with_empty_line = is_mbox};
}

void Content::rewind() {
  given_ = false;
  if (whole_) return;
  reader_ = queue::ContentReader(fd_, data_offset_);
  stage_ = Stage::heading;
  at_line_start_ = true;
}

Result<std::string_view> Content::next() {
  if (whole_) {
    if (given_) return std::string_view();
    given_ = true;
    return std::string_view(chunk_);
  }
  const bool first = stage_ == Stage::heading;
  chunk_.clear();
  TRY(fill());
  if (first && stage_ == Stage::finished) {
    whole_ = true;
    given_ = true;
    size_ = static_cast<std::int64_t>(chunk_.size());
  }
  return std::string_view(chunk_);
}

Result<void> Content::fill() {
  if (stage_ == Stage::heading) {
    chunk_ += shape_.heading;
    stage_ = Stage::lines;
  }
  while (stage_ == Stage::lines && chunk_.size() < chunk_size) {
    const auto line = TRY(reader_.next());
    if (!line) {
      if (!at_line_start_) chunk_ += shape_.line_end;
      if (shape_.ends_with_empty_line) chunk_ += shape_.line_end;
      stage_ = Stage::finished;
      break;
    }
    if (shape_.quotes_from && at_line_start_ && line->text.starts_with(from_space)) chunk_ += '>';
    if (shape_.doubles_dots && at_line_start_ && line->text.starts_with('.')) chunk_ += '.';
    chunk_ += line->text;
    if (!line->continued) chunk_ += shape_.line_end;
    at_line_start_ = !line->continued;
  }
  return {};
}

Result<std::int64_t> Content::size() {
  if (size_ >= 0) return size_;
  rewind();
  std::int64_t total = 0;
  for (;;) {
    const std::string_view bytes = TRY(next());
    if (bytes.empty()) break;
    total += static_cast<std::int64_t>(bytes.size());
  }
  rewind();
  size_ = total;
  return size_;
}

}  // namespace mailbox
