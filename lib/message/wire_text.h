#pragma once
// Stretches of a file as IMAP and POP3 send them: each line end as CRLF, and 0x80 for NUL, which IMAP cannot send (Dovecot's choice).
// Nothing is copied before it is asked for.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace message {

class WireText {
 public:
  enum class Nul { replaced, kept };  // for BINARY
  explicit WireText(Nul nul = Nul::replaced) : nul_(nul) {}

  // `wire_size`: where it is known; text is not looked at then.
  void add(std::string_view text);
  void add(std::string_view text, std::size_t wire_size);

  // Bytes on the wire.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class WireReader;
  struct Piece {
    std::string_view text;
    std::size_t wire_size;
  };
  std::vector<Piece> pieces_;
  std::size_t size_ = 0;
  Nul nul_;
};

// Where a reader was, so that another that goes on there (BODY[]<1000.1000> after <0.1000>) need not count from the start. Is
// good for a text of the same pieces.
struct WireMark {
  std::size_t wire = 0;            // bytes on the wire before it
  std::size_t piece = 0, byte = 0;
  bool after_cr = false;           // the CR of a line end that is no CRLF in the file has been given out
};

// Reads [offset, offset + count) of a WireText. The text must live as long.
class WireReader {
 public:
  WireReader(const WireText& text, std::size_t offset, std::size_t count, WireMark from = {});

  // Bytes not yet given out; offset and count are cut to what there is.
  [[nodiscard]] std::size_t left() const { return left_; }
  // Appends at most `most` bytes.
  void read(std::string& out, std::size_t most);
  [[nodiscard]] const WireMark& mark() const { return at_; }

 private:
  void step(std::string* out, std::size_t most);

  const WireText& text_;
  WireMark at_;
  std::size_t left_ = 0;
};

}  // namespace message
