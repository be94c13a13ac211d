#pragma once
// Carries bytes between a client, whose socket may have a layer over it (TLS), and a plain socket within this host, both ways, in one
// fiber. What one side does not take is not read from the other: a relay holds at most one chunk each way, and nothing at all while
// both are silent.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/event/loop.h"
#include "lib/io/input_buffer.h"
#include "lib/io/layer.h"
#include "lib/io/stream.h"

namespace io {

struct Relayed {
  std::uint64_t from_client = 0, from_inside = 0;   // bytes
};

class Relay {
 public:
  static constexpr std::size_t chunk = 8 * 1024;   // bytes held for each side at most

  // `layer` speaks on the socket `outside`; null: the bytes go as they are. `inside` is a socket too. All are borrowed, and the
  // sockets do not block.
  Relay(Layer* layer, int outside, int inside) : layer_(layer), outside_(outside), inside_(inside) {}

  // The layer's. False: it has failed, or not come to an end by then, or the inner side waits no more.
  [[nodiscard]] bool shake_hands(Deadline deadline);
  // What has been read of each side already.
  void begin_with(std::string_view from_client, std::string_view from_inside);
  // Until the inner side has ended, and the client has all of it, or cannot take it. The client's end is told to the inner side, whose
  // last words still go out.
  Relayed run();
  // The layer's end is told to the client; and his is waited for, where that matters (Layer::farewell_time).
  void finish();

 private:
  // Each moves what it can; true if that is anything. What it waits for otherwise is in wants_.
  bool hear_client();
  bool tell_inside();
  bool hear_inside();
  bool tell_client();
  [[nodiscard]] Layer::Step read_client(std::span<char> into);
  [[nodiscard]] Layer::Step write_client(std::string_view bytes);
  void note(Layer::Progress progress);
  [[nodiscard]] bool wait();

  Layer* const layer_;
  const int outside_, inside_;
  InputBuffer to_inside_, to_client_;
  Relayed relayed_;
  std::vector<event::Source> wants_;
  std::optional<Deadline> last_words_by_;      // once the inner side has ended
  bool client_has_ended_ = false, inside_knows_ = false, inside_has_ended_ = false;
};

// The same between two streams, which are used up: what they had read already goes first.
[[nodiscard]] Relayed relay(Stream client, Stream inside);

}  // namespace io
