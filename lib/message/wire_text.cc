#include "lib/message/wire_text.h"

#include <algorithm>

#include "lib/message/parts.h"

namespace message {
namespace {

// Where the first line end without CR is, or npos; `before` is the character in front of the text.
std::size_t bare_line_end(std::string_view text, char before) {
  std::size_t end = text.find('\n');
  while (end != std::string_view::npos && (end > 0 ? text[end - 1] : before) == '\r') end = text.find('\n', end + 1);
  return end;
}

}  // namespace

void WireText::add(std::string_view text) { add(text, message::wire_size(text)); }

void WireText::add(std::string_view text, std::size_t wire_size) {
  if (text.empty()) return;
  pieces_.push_back({text, wire_size});
  size_ += wire_size;
}

WireReader::WireReader(const WireText& text, std::size_t offset, std::size_t count, WireMark from) : text_(text) {
  offset = std::min(offset, text.size());
  if (from.wire <= offset) at_ = from;
  while (at_.wire < offset) step(nullptr, offset - at_.wire);
  left_ = std::min(count, text.size() - offset);
}

void WireReader::read(std::string& out, std::size_t most) {
  const std::size_t start = out.size();
  most = std::min(most, left_);
  left_ -= most;
  for (const std::size_t end = at_.wire + most; at_.wire < end;) step(&out, end - at_.wire);
  if (text_.nul_ == WireText::Nul::replaced) std::replace(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), '\0', '\x80');
}

// Goes on by at least one and at most `most` bytes, and appends them to `out` if there is one. There is text left.
void WireReader::step(std::string* out, std::size_t most) {
  const WireText::Piece& piece = text_.pieces_[at_.piece];
  if (out == nullptr && at_.byte == 0 && !at_.after_cr && piece.wire_size <= most) {
    at_.wire += piece.wire_size;
    ++at_.piece;
    return;
  }
  const std::string_view rest = piece.text.substr(at_.byte);
  std::size_t size = std::min(rest.size(), most);
  if (at_.after_cr) {
    at_.after_cr = false;
    size = 1;
  } else if (piece.wire_size != piece.text.size()) {
    size = std::min(size, bare_line_end(rest.substr(0, size), at_.byte > 0 ? piece.text[at_.byte - 1] : '\0'));
    at_.after_cr = size == 0;
  }
  if (out != nullptr) out->append(size == 0 ? std::string_view("\r") : rest.substr(0, size));
  at_.wire += std::max<std::size_t>(size, 1);
  at_.byte += size;
  if (at_.byte < piece.text.size()) return;
  ++at_.piece;
  at_.byte = 0;
}

}  // namespace message
