#pragma once
// A socket (or pipe) as a stream of lines and bytes. Every read and write takes an absolute deadline, so that a peer
// that sends one byte a second does not stretch it. write() only buffers; flush() sends; every read flushes before it
// waits, so that the replies to pipelined commands go out together.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace io {

class Layer;

// How a read or write ended. `too_long` is only for read_line: the line exceeds the limit, its first part is text().
enum class End { ok, eof, timeout, too_long, error };

enum class LineEnding { crlf, lf, none };

// One line without its ending. The text lives until the next call on the stream.
class LineResult {
 public:
  LineResult(End end, std::string_view text, LineEnding ending)
      : text_(text), end_(end), ending_(ending) {}
  explicit operator bool() const { return end_ == End::ok; }
  [[nodiscard]] End end() const { return end_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  // `none`: a line that was cut at the limit (too_long), or the bytes before eof.
  [[nodiscard]] LineEnding ending() const { return ending_; }

 private:
  std::string_view text_;
  End end_;
  LineEnding ending_;
};

class Stream {
 public:
  explicit Stream(Fd fd);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // The next line, ended by LF or CRLF. A line longer than `limit` comes in parts: too_long with `limit` bytes each,
  // then the rest. eof with text() not empty: the peer closed within a line.
  [[nodiscard]] LineResult read_line(Deadline deadline, std::size_t limit);

  // Bytes up to `delimiter`, without it; too_long when there is none within `limit`. For NUL-terminated attributes.
  [[nodiscard]] LineResult read_until(char delimiter, Deadline deadline, std::size_t limit);

  // Exactly `size` bytes appended to `out`.
  [[nodiscard]] End read_exact(std::string& out, std::size_t size, Deadline deadline);

  // At least one byte and at most `size`; the view lives until the next call. Empty with End::ok never happens.
  struct Bytes {
    End end;
    std::string_view data;
  };
  [[nodiscard]] Bytes read_some(std::size_t size, Deadline deadline);

  // Bytes already here: another command has been pipelined. Does not wait.
  [[nodiscard]] bool has_input() const;        // in our buffer
  [[nodiscard]] bool peek_input();             // the same, or left in the kernel by the last read; false at the end
  // Connected and silent: nothing has come since the last read, not even the end. For connections that are kept.
  [[nodiscard]] bool is_at_rest();
  [[nodiscard]] std::string_view buffered() const;
  void discard_input();                        // forgets what is buffered

  // Buffers; sends when the buffer holds more than output_high. False after a failure, which is sticky.
  bool write(std::string_view bytes, Deadline deadline);
  [[nodiscard]] End flush(Deadline deadline);

  // Descriptors over a UNIX socket (SCM_RIGHTS). send_fd sends with the next flush, together with at least one byte.
  void send_fd(const Fd& fd);                  // duplicates it
  // The next descriptor that arrived with what was read so far, in order.
  [[nodiscard]] std::optional<Fd> take_fd();

  // From here on all bytes go through `layer`, which makes its handshake first. There must be no input that came without
  // it. After a failure the stream is of no use any more.
  [[nodiscard]] End start_layer(std::unique_ptr<Layer> layer, Deadline deadline);

  // No further input and output; for the last words.
  void shutdown();
  [[nodiscard]] int fd() const;
  [[nodiscard]] Fd release();                  // gives the descriptor up; buffers are lost
  [[nodiscard]] int last_errno() const;        // of the last End::error

  // Gives everything up: the descriptor, what lies over it, and the input that has come; output that was not flushed is lost.
  struct Parts {
    Fd fd;
    std::unique_ptr<Layer> layer;              // null: the bytes go as they are. It uses the descriptor
    std::string input;
  };
  [[nodiscard]] Parts dismantle() &&;

  static constexpr std::size_t input_size = 4096;      // held only while there is input; grows for longer lines
  static constexpr std::size_t input_size_busy = 16 * 1024;  // when the peer fills the buffer at once
  static constexpr std::size_t output_high = 16 * 1024;
  static constexpr std::size_t max_fds = 8;            // descriptors kept unread; more are closed

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace io
