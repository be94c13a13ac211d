#include "lib/smtp/wire.h"

#include <algorithm>

namespace smtp {

void WireWriter::add(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (limit_ > 0 && column_ == limit_) {
      out += "\r\n ";
      column_ = 1;
      has_broken_lines_ = true;
    }
    if (column_ == 0 && bytes[0] == '.') out += '.';
    const std::size_t size = limit_ > 0 ? std::min(bytes.size(), limit_ - column_) : bytes.size();
    out += bytes.substr(0, size);
    column_ += size;
    bytes.remove_prefix(size);
  }
}

void WireWriter::write(std::string_view piece, bool ends_line, std::string& out) {
  // A stray CR or LF could end a line, or the message, in the eyes of some server: it becomes a blank.
  while (!piece.empty()) {
    const std::size_t stray = std::min(piece.find_first_of("\r\n"), piece.size());
    add(piece.substr(0, stray), out);
    piece.remove_prefix(stray);
    if (piece.empty()) break;
    add(" ", out);
    piece.remove_prefix(1);
  }
  if (!ends_line) return;
  out += "\r\n";
  column_ = 0;
}

void WireWriter::finish(std::string& out) {
  if (column_ > 0) out += "\r\n";
  column_ = 0;
}

}  // namespace smtp
