#pragma once
// What may lie between a stream and its socket: TLS, compression. A layer reads and writes the socket itself and never
// waits: it says what it needs, and the stream waits for that.

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

namespace io {

class Layer {
 public:
  enum class Progress { moved, wants_input, wants_output, eof, failed };
  struct Step {
    Progress progress;
    std::size_t bytes = 0;  // that moved; at least one
  };

  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  // What comes before the first byte, a handshake: again and again until it has moved.
  [[nodiscard]] virtual Step start() = 0;
  [[nodiscard]] virtual Step read(std::span<char> into) = 0;
  // After wants_input or wants_output the caller comes again with the same bytes.
  [[nodiscard]] virtual Step write(std::string_view bytes) = 0;
  // Nothing has moved for a while: memory that can be had again may go.
  virtual void rest() {}
  // The polite end, as far as that goes without waiting.
  virtual void finish() = 0;
  // How long the other side's end is awaited after that: it comes by read(). Zero: it does not matter.
  [[nodiscard]] virtual std::chrono::seconds farewell_time() const { return {}; }
};

}  // namespace io
