#pragma once
// Tells of a session as its Narration wants it, by OpenSSL's callbacks. Internal to lib/tls.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/tls/narration.h"
#include "lib/tls/openssl.h"

namespace tls {

class Narrator {
 public:
  // From now on, for the life of `ssl`, which this outlives, and which has its descriptor already.
  Narrator(SSL* ssl, Narration narration);
  Narrator(const Narrator&) = delete;
  Narrator& operator=(const Narrator&) = delete;
  ~Narrator() = default;

  void end_of_handshake(SSL* ssl);

 private:
  static long dump(BIO* bio, int operation, const char* bytes, std::size_t size, int, long, int result, std::size_t* processed);
  static void trace(int is_written, int version, int type, const void* bytes, std::size_t size, SSL* ssl, void* narrator);
  void write_trace(std::string_view text);

  Narration narration_;
};

// As OpenSSL's tools show bytes: sixteen in a line, in hexadecimal and as text; what is only blanks or zeros at the end is left out.
[[nodiscard]] std::vector<std::string> hex_dump(std::string_view bytes);

}  // namespace tls
