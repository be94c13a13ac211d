#pragma once
// The bytes of a message on their way from the wire to lines: DATA (RFC 5321 section 4.1.1.4 and 4.5.2) and BDAT
// (RFC 3030). Pure: pieces in, pieces out.
//
// Only CRLF "." CRLF ends DATA, whatever smtpd_forbid_bare_newline says: a line that ends with a bare LF is content,
// and so is a "." before or after one. That is what keeps a message from being two messages to the next server. (In
// stand-alone mode the user who writes the dialogue writes the lines of his machine.)

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/io/stream.h"

namespace smtpd {

// A piece of a line of content: at most `line_length_limit` bytes, without line ending. `is_last`: the line ends here.
struct Piece {
  std::string_view text;
  bool is_last = true;
};

// Takes the pieces. A call may park; the text is valid during the call only.
class ContentSink {
 public:
  ContentSink() = default;
  ContentSink(const ContentSink&) = delete;
  ContentSink& operator=(const ContentSink&) = delete;
  virtual ~ContentSink() = default;
  virtual void take(Piece piece) = 0;
};

// What ends DATA beside CRLF "." CRLF.
enum class DataEnd { crlf_only, any_newline };

// DATA. Fed with what Stream::read_line gives with the same limit.
class DataDecoder {
 public:
  DataDecoder(ContentSink& sink, std::size_t line_limit, DataEnd end = DataEnd::crlf_only)
      : sink_(sink), line_limit_(line_limit), end_(end) {}

  // True when this was the end of the data. `ending` none: a part of a line that is longer than the limit.
  [[nodiscard]] bool feed(std::string_view text, io::LineEnding ending);

  // Bytes of content so far, two for each line end, as message_size_limit counts and the log shows.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool has_bare_newline() const { return has_bare_newline_; }

 private:
  void emit(std::string_view text, bool is_last);

  ContentSink& sink_;
  std::size_t line_limit_;
  DataEnd end_;
  std::size_t size_ = 0;
  std::string joined_;            // scratch, for a line part with the CR that was held back
  bool held_cr_ = false;          // the part before ended with CR: of a CRLF, or a byte of the line
  bool within_line_ = false;      // the part before was not the end of its line
  bool after_crlf_ = true;        // the line before ended with CRLF, as the DATA command did
  bool has_bare_newline_ = false;
};

// BDAT. Fed with the bytes of the chunks, cut anywhere; lines go on over the end of a chunk.
class ChunkDecoder {
 public:
  ChunkDecoder(ContentSink& sink, std::size_t line_limit) : sink_(sink), line_limit_(line_limit) {}

  void feed(std::string_view bytes);
  // After the last chunk: a line without its ending gets one.
  void finish();

  [[nodiscard]] std::size_t size() const { return size_ + pending_.size(); }
  // The same without a line that has not ended.
  [[nodiscard]] std::size_t size_of_lines() const { return size_; }
  [[nodiscard]] bool has_bare_newline() const { return has_bare_newline_; }

 private:
  void end_line(std::string_view text);
  void shorten_pending();

  ContentSink& sink_;
  std::size_t line_limit_;
  std::size_t size_ = 0;          // of what the sink has got
  std::string pending_;           // the start of a line: at most line_limit_ + 1 bytes between calls
  bool within_line_ = false;
  bool has_bare_newline_ = false;
};

}  // namespace smtpd
