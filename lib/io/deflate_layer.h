#pragma once
// Compression between a stream and its socket: raw deflate both ways (RFC 1951), as COMPRESS=DEFLATE has it (RFC 4978). Each piece
// that is written is flushed, so that the peer can read all of it.
//
// What comes is inflated only into the room that a reader has: however much a few bytes stand for, no more than that is in memory.

#include <memory>
#include <string>

#include "lib/io/layer.h"

namespace io {

class DeflateLayer : public Layer {
 public:
  // `fd` is the stream's; `input`: what has come already and is compressed.
  DeflateLayer(int fd, std::string input);
  ~DeflateLayer() override;

  [[nodiscard]] Step start() override { return {Progress::moved}; }
  [[nodiscard]] Step read(std::span<char> into) override;
  [[nodiscard]] Step write(std::string_view bytes) override;
  void finish() override {}
  // The compressor goes: what it will say next does not refer to what it has said.
  void rest() override;

 private:
  struct Inflater;
  struct Deflater;
  [[nodiscard]] Step receive();
  [[nodiscard]] bool compress(std::string_view bytes);
  [[nodiscard]] Step send();

  int fd_;
  std::string input_;                    // compressed, not inflated yet
  std::string output_;                   // compressed, not sent yet
  std::size_t sent_ = 0;                 // of output_
  std::size_t taken_ = 0;                // bytes of the caller's that are in output_
  std::unique_ptr<Inflater> inflater_;   // from the first byte on, since the peer may refer to the last 32 KB
  std::unique_ptr<Deflater> deflater_;   // while there is much to say
  bool has_failed_ = false, has_ended_ = false;
};

}  // namespace io
