#include "pop3d/dotted.h"

namespace pop3d {

std::string_view top_of(std::string_view message, std::uint64_t lines) {
  std::size_t at = 0;
  bool is_body = false;
  while (at < message.size()) {
    if (is_body && lines-- == 0) break;
    const std::size_t end = message.find('\n', at);
    const std::size_t next = end == std::string_view::npos ? message.size() : end + 1;
    const std::string_view line = message.substr(at, next - at);
    is_body = is_body || line == "\n" || line == "\r\n";
    at = next;
  }
  return message.substr(0, at);
}

bool Dotted::next(std::string& piece) {
  piece.clear();
  while (!left_.empty() && piece.size() < piece_size) {
    if (!is_in_line_ && left_.front() == '.') piece += '.';
    const std::size_t room = piece_size;
    const std::string_view window = left_.substr(0, room);
    const std::size_t end = window.find('\n');
    if (end == std::string_view::npos) {
      // Of a line that goes on a CR stays for the next piece: an LF may follow.
      const bool keeps_cr = window.back() == '\r' && window.size() < left_.size() && window.size() > 1;
      piece += window.substr(0, window.size() - (keeps_cr ? 1 : 0));
      left_.remove_prefix(window.size() - (keeps_cr ? 1 : 0));
      is_in_line_ = true;
      continue;
    }
    const bool has_cr = end > 0 && left_[end - 1] == '\r';
    piece += left_.substr(0, end - (has_cr ? 1 : 0));
    piece += "\r\n";
    left_.remove_prefix(end + 1);
    is_in_line_ = false;
  }
  if (piece.empty() && is_in_line_) {
    piece = "\r\n";
    is_in_line_ = false;
  }
  return !piece.empty();
}

}  // namespace pop3d
