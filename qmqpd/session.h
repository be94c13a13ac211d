#pragma once
// One client, one message.

#include <optional>
#include <string>
#include <string_view>

#include "lib/queue/message_stream.h"
#include "lib/server/service.h"
#include "qmqpd/packet.h"
#include "qmqpd/server.h"

namespace qmqpd {

class Session {
 public:
  Session(Server& server, server::Connection& connection) : server_(server), connection_(connection) {}
  void run();

 private:
  // What a reply begins with.
  enum class Answer : char { taken = 'K', later = 'Z', never = 'D' };
  // A part of the packet that did not come.
  struct Missing {
    io::NetstringEnd end;
    std::string_view what;
  };

  void identify();
  [[nodiscard]] bool is_authorized() const;
  void receive();
  [[nodiscard]] Result<void> open_message();
  // Reads the packet and passes it on as records.
  [[nodiscard]] std::optional<Missing> copy_packet();
  void add_sender(const std::string& sender);
  void add_recipient(const std::string& recipient);
  void add_origin();
  void add_content(std::string_view content);
  [[nodiscard]] std::string received_header() const;
  // Hands the message over and tells the client: the only place that says K.
  void finish();
  void refuse_packet(const Missing& missing);
  // Logs and says that the message is not taken.
  void refuse(Answer answer, std::string_view text);
  // A negative answer waits for qmqpd_error_delay, unless that is over.
  void reply(Answer answer, std::string_view text);
  void delay() const;
  void log_missing(const Missing& missing) const;
  [[nodiscard]] Deadline deadline() const { return base::after(server_.params().ipc_timeout); }

  Server& server_;
  server::Connection& connection_;
  std::string name_ = "unknown", address_ = "unknown", port_ = "unknown";
  std::string client_;   // "name[address]" or "name[address]:port", as the log has it
  bool is_v6_ = false;
  Stamp arrived_{};
  std::optional<queue::MessageStream> message_;
  std::size_t recipients_ = 0;
  std::string first_recipient_;
  std::string bad_verp_;   // delimiters that are not allowed
  bool has_bad_address_ = false;
};

}  // namespace qmqpd
