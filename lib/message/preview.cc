#include "lib/message/preview.h"

#include <optional>

#include "lib/message/content.h"
#include "lib/message/html_text.h"
#include "lib/message/transfer.h"

namespace message {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// The text part that people are to read: the first one; of alternatives plain text, or else the last one.
std::optional<std::size_t> find_text(const Parts& parts, std::size_t place) {
  const Part& part = parts[place];
  if (part.kind == Kind::leaf) return part.is_text() && !part.subtype.empty() ? std::optional(place) : std::nullopt;
  if (part.kind == Kind::message) return std::nullopt;
  std::optional<std::size_t> last;
  for (std::size_t child = place + 1; child < part.end; child = parts[child].end) {
    if (part.subtype == "alternative" && parts[child].kind == Kind::leaf && parts[child].is_text()) {
      last = child;
      if (parts[child].subtype == "plain") return child;
    }
  }
  for (std::size_t child = place + 1; !last && child < part.end; child = parts[child].end) last = find_text(parts, child);
  return last;
}

// Collects words up to the limit.
class Words {
 public:
  explicit Words(std::string start = {}) : text_(std::move(start)), length_(text_.size()) {}

  [[nodiscard]] bool is_full() const { return length_ >= preview_limit; }
  [[nodiscard]] bool is_empty() const { return text_.empty(); }

  void take(char c) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      needs_blank_ = has_word_;
      return;
    }
    if (c == '\0') return;
    const bool starts_character = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (starts_character && length_ + (needs_blank_ ? 1 : 0) >= preview_limit) {
      length_ = preview_limit;
      is_done_ = true;
    }
    if (is_done_) return;
    if (needs_blank_) text_ += ' ';
    if (starts_character) length_ += needs_blank_ ? 2 : 1;
    needs_blank_ = false;
    has_word_ = true;
    text_ += c;
    // It may be cut between two pieces.
    if (!text_.ends_with(byte_order_mark)) return;
    text_.resize(text_.size() - byte_order_mark.size());
    --length_;
  }
  std::string release() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t length_;  // in characters
  bool needs_blank_ = false, has_word_ = false, is_done_ = false;
};

// Plain text: lines that begin with ">" are quoted. One line end less here, one blank more there is all the same.
class Lines {
 public:
  bool take(std::string_view piece, Words& own, Words& quoted) {
    for (const char c : piece) {
      if (is_start_ && c == '>') {
        is_quoted_ = true;
        continue;
      }
      is_start_ = c == '\n';
      (is_quoted_ ? quoted : own).take(c);
      if (is_start_) is_quoted_ = false;
    }
    return !own.is_full();
  }

 private:
  bool is_start_ = true, is_quoted_ = false;
};

}  // namespace

std::string preview(std::string_view message, const Parts& parts) {
  const auto place = find_text(parts, 0);
  if (!place || transfer_encoding(parts[*place].header.of(message)) == TransferEncoding::unknown) return {};
  Words own, quoted(">");
  if (parts[*place].subtype == "html") {
    HtmlText html;
    std::string own_text, quoted_text;
    const auto take = [&] {
      for (const char c : own_text) own.take(c);
      for (const char c : quoted_text) quoted.take(c);
      own_text.clear();
      quoted_text.clear();
      return !own.is_full();
    };
    decode_text(message, parts[*place], [&](std::string_view piece) {
      html.take(piece, own_text, quoted_text);
      return take();
    });
    html.finish(own_text, quoted_text);
    take();
  } else {
    Lines lines;
    decode_text(message, parts[*place], [&](std::string_view piece) { return lines.take(piece, own, quoted); });
  }
  if (!own.is_empty()) return own.release();
  std::string text = quoted.release();
  return text == ">" ? std::string() : text;
}

}  // namespace message
