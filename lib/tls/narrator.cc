#include "lib/tls/narrator.h"

#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace tls {
namespace {

constexpr std::size_t row = 16, half = 8;   // bytes

char shown(char c) { return ascii::is_printable(c) ? c : '.'; }

// A step of the handshake, or an alert in it. No state is needed: the session's log lines are one fiber's.
void tell_step(const SSL* ssl, int where, int result) {
  const std::string_view role = (where & SSL_ST_ACCEPT) != 0 ? "SSL_accept" : (where & SSL_ST_CONNECT) != 0 ? "SSL_connect" : "unknown";
  if ((where & SSL_CB_LOOP) != 0) {
    maillog::info("{}:{}", role, SSL_state_string_long(ssl));
  } else if ((where & SSL_CB_ALERT) != 0) {
    if ((result & 0xff) == SSL_AD_CLOSE_NOTIFY) return;
    maillog::info("SSL3 alert {}:{}:{}", (where & SSL_CB_READ) != 0 ? "read" : "write", SSL_alert_type_string_long(result),
                  SSL_alert_desc_string_long(result));
  } else if ((where & SSL_CB_EXIT) != 0 && result == 0) {
    maillog::info("{}:failed in {}", role, SSL_state_string_long(ssl));
  } else if ((where & SSL_CB_EXIT) != 0 && result < 0 && SSL_want(ssl) == SSL_NOTHING) {
    maillog::info("{}:error in {}", role, SSL_state_string_long(ssl));
  }
}

}  // namespace

std::vector<std::string> hex_dump(std::string_view bytes) {
  std::vector<std::string> lines;
  const std::size_t last = bytes.find_last_not_of(std::string_view(" \0", 2));
  const std::string_view told = bytes.substr(0, last + 1);   // nothing, when there is none
  for (std::size_t at = 0; at < told.size(); at += row) {
    std::string hex, text;
    for (std::size_t i = at; i < at + row; ++i) {
      const bool is_there = i < told.size();
      const bool is_middle = i - at + 1 == half;
      hex += is_there ? fmt::format("{:02x}{}", static_cast<unsigned char>(told[i]), is_middle ? '|' : ' ') : "   ";
      if (!is_there) continue;
      text += shown(told[i]);
      if (is_middle) text += ' ';
    }
    lines.push_back(fmt::format("{:04x} {} {}", at, hex, text));
  }
  if (told.size() < bytes.size()) lines.push_back(fmt::format("{:04x} - <SPACES/NULLS>", told.size()));
  return lines;
}

Narrator::Narrator(SSL* ssl, Narration narration) : narration_(std::move(narration)) {
  if (narration_.detail >= Detail::steps) SSL_set_info_callback(ssl, tell_step);
  if (narration_.detail >= Detail::handshake) {
    // What is told ends with the handshake: what follows is not to be read with it.
    SSL_set_read_ahead(ssl, 0);
    BIO* const socket = SSL_get_rbio(ssl);
    BIO_set_callback_arg(socket, reinterpret_cast<char*>(this));
    BIO_set_callback_ex(socket, dump);
  }
  if (!narration_.trace) return;
#ifndef OPENSSL_NO_SSL_TRACE
  SSL_set_msg_callback(ssl, trace);
  SSL_set_msg_callback_arg(ssl, this);
#else
  maillog::warning("{}: no trace: this OpenSSL is built without", narration_.peer);
#endif
}

void Narrator::end_of_handshake(SSL* ssl) {
  if (narration_.detail < Detail::session) BIO_set_callback_ex(SSL_get_rbio(ssl), nullptr);
}

long Narrator::dump(BIO* bio, int operation, const char* bytes, std::size_t size, int, long, int result, std::size_t* processed) {
  const bool is_read = operation == (BIO_CB_READ | BIO_CB_RETURN), is_write = operation == (BIO_CB_WRITE | BIO_CB_RETURN);
  if (!is_read && !is_write) return result;
  const auto& narrator = *reinterpret_cast<const Narrator*>(BIO_get_callback_arg(bio));
  const std::string head = fmt::format("{} {} ({} bytes => ", is_read ? "read from" : "write to", narrator.narration_.peer, size);
  if (result <= 0) {
    maillog::info("{}{})", head, result);
    return result;
  }
  maillog::info("{}{} (0x{:X}))", head, *processed, *processed);
  for (const std::string& line : hex_dump({bytes, *processed})) maillog::info("{}", line);
  return result;
}

void Narrator::trace([[maybe_unused]] int is_written, [[maybe_unused]] int version, [[maybe_unused]] int type, [[maybe_unused]] const void* bytes,
                     [[maybe_unused]] std::size_t size, [[maybe_unused]] SSL* ssl, [[maybe_unused]] void* narrator) {
#ifndef OPENSSL_NO_SSL_TRACE
  auto& self = *static_cast<Narrator*>(narrator);
  if (!self.narration_.trace) return;
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (!text) return;
  SSL_trace(is_written, version, type, bytes, size, ssl, text.get());
  char* start = nullptr;
  const long length = BIO_get_mem_data(text.get(), &start);
  if (length > 0) self.write_trace({start, static_cast<std::size_t>(length)});
#endif
}

// A file that is full, or cannot be written, is closed: the session goes on.
void Narrator::write_trace(std::string_view text) {
  const bool is_last = text.size() >= narration_.trace_limit;
  text = text.substr(0, narration_.trace_limit);
  narration_.trace_limit -= text.size();
  while (!text.empty()) {
    const ssize_t written = ::write(narration_.trace.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      maillog::warning("{}: cannot write the trace: {}", narration_.peer, base::Error::system("write").message());
      narration_.trace = Fd();
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (is_last) narration_.trace = Fd();
}

}  // namespace tls
