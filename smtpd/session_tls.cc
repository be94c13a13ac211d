// The session's part in TLS: the handshake, and what is said of it.

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/tls/session.h"
#include "smtpd/session.h"

namespace smtpd {

tls::LogLevel Session::log_level_of_client() const {
  return server_.tls().log_levels.of({client_.name == Client::unknown ? std::string_view() : client_.name, client_.address});
}

tls::Narration Session::narration(tls::LogLevel level) const {
  return {.detail = level.detail,
          .peer = client_.name_and_address,
          .trace = level.is_traced ? server_.traces().begin(client_.address) : Fd(),
          .trace_limit = static_cast<std::size_t>(params().smtpd_tls_trace_size_limit)};
}

bool Session::start_tls() {
  const TlsSite& site = server_.tls();
  if (tls::TicketKeys* const keys = site.context->tickets()) server_.tickets().refresh(*keys);
  const tls::LogLevel level = log_level_of_client();
  auto made = tls::Session::accept(*site.context, stream_.fd(), narration(level));
  if (!made) {
    maillog::warning("{}: {}", client_.name_and_address, made.error().message());
    tls::log_library_problems();
    ending_ = Ending::lost_connection;
    return false;
  }
  tls::Session* const layer = made->get();
  site.log_start(client_.name_and_address, level.detail);
  const io::End end = stream_.start_layer(std::move(*made), server_.clock().now() + params().smtpd_starttls_timeout);
  if (end != io::End::ok) {
    const std::string_view why = end == io::End::timeout ? "Connection timed out" : end == io::End::eof ? "lost connection" : "-1";
    maillog::info("SSL_accept error from {}: {}", client_.name_and_address, why);
    tls::log_library_problems();
    ending_ = Ending::lost_connection;
    return false;
  }
  // What was said before is forgotten (RFC 3207 section 4.2): anybody may have said it.
  reset();
  helo_.clear();
  login_.reset();
  is_extended_ = false;
  discarded_ = Ehlo::none;
  tls_ = std::make_unique<const tls::Facts>(layer->facts());
  tls_layer_ = layer;
  return is_welcome_in_tls(level.detail);
}

// Logs the connection, and notes its end where the site demands more of the client than he has shown.
bool Session::is_welcome_in_tls(tls::Detail detail) {
  const TlsSite& site = server_.tls();
  site.log_connection(client_.name_and_address, *tls_, detail);
  if (!site.is_satisfied_by(*tls_)) {
    maillog::info("NOQUEUE: abort: TLS from {}: {}", client_.name_and_address,
                  tls_->trust == tls::Trust::untrusted && !tls_->has_raw_key ? "Client certificate not trusted" : "No client certificate presented");
    ending_ = Ending::refused;
    return true;
  }
  if (tls_->is_resumed) return true;
  const auto refusal = limits_.new_tls();
  if (!refusal) return true;
  ending_ = Ending::refused;
  static_cast<void>(send(*refusal) && stream_.flush(deadline()) == io::End::ok);
  return false;
}

bool Session::has_binding() const { return tls_layer_ != nullptr && tls_layer_->has_channel_binding(); }

const tls::ChannelBinding& Session::binding() {
  if (has_binding() && binding_.empty()) binding_ = tls_layer_->channel_binding();
  return binding_;
}

bool Session::start_wrapped() {
  if (server_.tls().context) return start_tls() && ending_ == Ending::none;
  maillog::warning("Wrapper-mode request dropped from {} for service {}. TLS context initialization failed. For details see "
                   "earlier warnings in your logs.",
                   client_.name_and_address, server_.service_name());
  ending_ = Ending::refused;
  return false;
}

}  // namespace smtpd
