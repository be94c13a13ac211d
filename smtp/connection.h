#pragma once
// A conversation with one server: commands out, replies in, and the ending when it breaks off.

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/delivery/session_notice.h"
#include "lib/io/layer.h"
#include "lib/io/stream.h"
#include "lib/maps/table.h"
#include "lib/smtp/features.h"
#include "lib/smtp/reply.h"
#include "smtp/endings.h"
#include "smtp/mechanism.h"
#include "smtp/protocol.h"
#include "smtp/tls_status.h"

namespace smtp {

template <class T>
using Step = std::expected<T, delivery::Delivery>;

// Whom the server might be.
enum class Privacy {
  none,        // anybody on the way reads
  encrypted,   // by TLS, with somebody
  verified,    // with the server that the TLS policy wants
};

class Connection {
 public:
  Connection(Fd fd, Peer peer, Protocol protocol = Protocol::smtp);
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  // For warnings, the message that is being sent.
  void set_queue_id(std::string queue_id) { queue_id_ = std::move(queue_id); }
  [[nodiscard]] const std::string& queue_id() const { return queue_id_; }

  // smtp_reply_filter; borrowed. Null: replies are taken as they come.
  void set_reply_filter(const maps::Maps* filter) { reply_filter_ = filter; }
  // Whether what is said is logged (debug_peer_list).
  void set_debugged(bool is_debugged) { is_debugged_ = is_debugged; }
  // From now on what is said is kept for the postmaster.
  void keep_transcript() { transcript_.emplace(); }
  [[nodiscard]] const std::optional<delivery::Transcript>& transcript() const { return transcript_; }

  // A command, without line end. It is only buffered: the next reply() sends it, and says if that failed.
  void command(std::string_view line);
  // The same for what may have a password in it: `shown` is kept in its place.
  void secret_command(std::string_view line, std::string_view shown);
  // A piece of the message, as it goes over the wire; sent when enough has come together. `stage` as in reply().
  [[nodiscard]] Step<void> content(std::string_view bytes, Deadline deadline);
  [[nodiscard]] Step<void> flush_content(Deadline deadline);
  // The dot that ends it (RFC 5321 section 4.1.1.4).
  [[nodiscard]] Step<void> end_content(Deadline deadline);
  // The next reply. `stage` says what we are doing, for the log: "sending MAIL FROM".
  [[nodiscard]] Step<ServerReply> reply(std::string_view stage, std::chrono::seconds timeout);
  [[nodiscard]] Step<ServerReply> ask(std::string_view line, std::string_view stage, std::chrono::seconds timeout);

  // Says goodbye and closes. Does not wait, unless `wait_for_reply`. A transaction that is not over is ended by RSET first.
  enum class Goodbye { at_once, wait_for_reply };
  void quit(Goodbye goodbye, std::chrono::seconds timeout);

  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] Protocol protocol() const { return protocol_; }
  // After an ending: of no use any more.
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  // The server has said 421: it may close at any time, and this is the last message.
  [[nodiscard]] bool is_leaving() const { return is_leaving_; }
  void break_off() { is_broken_ = true; }
  // For TLS.
  [[nodiscard]] int fd() const { return stream_.fd(); }
  [[nodiscard]] bool has_input() const { return stream_.has_input(); }
  [[nodiscard]] io::End start_layer(std::unique_ptr<io::Layer> layer, std::chrono::seconds timeout) {
    return stream_.start_layer(std::move(layer), base::after(timeout));
  }

  // Nothing has come that nobody asked for.
  [[nodiscard]] bool is_at_rest() { return stream_.is_at_rest(); }

  Features features;
  Privacy privacy = Privacy::none;
  TlsStatus tls_status;         // for the log
  enum class Require { not_wanted, left_out, asked } require_tls = Require::not_wanted;   // REQUIRETLS, of the message
  tls::ChannelBinding binding;  // empty without TLS
  std::optional<Login> login;  // who we are to the server
  bool delays_dot = false;    // for a PIX firewall: the end of a message comes after a pause
  std::string kept_under;     // for the ConnectionCache; empty: it serves no other message
  int uses = 0;               // messages so far, the present one included
  Deadline opened;

 private:
  [[nodiscard]] delivery::Delivery ended(io::End end, std::string_view stage);
  void end_privacy();
  [[nodiscard]] std::optional<std::string> filtered(std::string_view line) const;
  void note_reply(int code);
  void tell(std::string_view line);

  io::Stream stream_;
  Peer peer_;
  Protocol protocol_;
  std::string queue_id_;
  const maps::Maps* reply_filter_ = nullptr;
  std::optional<delivery::Transcript> transcript_;
  bool is_debugged_ = false;
  bool is_broken_ = false;
  bool is_leaving_ = false;
  bool has_warned_of_pipelining_ = false;
};

}  // namespace smtp
