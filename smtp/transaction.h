#pragma once
// One message over one connection: MAIL, RCPT, DATA, the content (RFC 5321 section 3.3). Commands go out together where
// the server takes it (RFC 2920), else one by one; the replies decide the same either way. In LMTP the content has a reply
// for each recipient that was accepted (RFC 2033 section 4.2).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/messages/delivery.h"
#include "smtp/connection.h"
#include "smtp/content_checks.h"
#include "smtp/generic.h"
#include "smtp/smtp_params.h"

namespace smtp {

// How it ended for one recipient.
struct Ending {
  std::size_t recipient;  // index in the request
  delivery::Delivery delivery;
};

class Transaction {
 public:
  // `recipients` are indices in the request. All is borrowed.
  Transaction(Connection& connection, const Params& params, const GenericMaps& generic, const ContentCheckMaps& checks,
              const ipc::DeliveryRequest& request,
              std::vector<std::size_t> recipients)
      : connection_(connection), params_(params), generic_(generic), checks_(checks), request_(request), pending_(std::move(recipients)) {}

  // One ending for each recipient, in the order in which they were decided.
  [[nodiscard]] std::vector<Ending> run();
  // The endings when nothing can be said to the server.
  [[nodiscard]] std::vector<Ending> give_up(const delivery::Delivery& failure);
  // The server still holds parts of a transaction: RSET before anything else.
  [[nodiscard]] bool needs_reset() const { return needs_reset_; }

 private:
  enum class Kind { mail, rcpt, data };
  struct Command {
    Kind kind;
    std::size_t recipient;  // of rcpt
    std::string line;
  };

  [[nodiscard]] std::optional<delivery::Delivery> obstacle();
  [[nodiscard]] std::optional<delivery::Delivery> map_envelope();
  [[nodiscard]] delivery::Delivery unmapped(const base::Error& error) const;
  [[nodiscard]] std::vector<Command> commands() const;
  [[nodiscard]] std::string mail_command() const;
  [[nodiscard]] std::string rcpt_command(std::size_t index) const;
  [[nodiscard]] std::string path(const std::string& address) const;
  // A probe waits for the reply to DATA.
  [[nodiscard]] bool probes_data() const;
  [[nodiscard]] bool is_pointless(const Command& command) const;
  [[nodiscard]] bool exchange(const std::vector<Command>& commands);
  [[nodiscard]] bool take_reply(const Command& command);
  void decide(const Command& command, const ServerReply& reply);
  void send_message();
  void take_replies_of_recipients();
  void send_nothing();
  [[nodiscard]] Step<void> send_content();
  [[nodiscard]] bool has_utf8_header() const;
  [[nodiscard]] bool converts_to_7bit() const;

  void end(std::size_t recipient, delivery::Delivery delivery);
  void end_all(const delivery::Delivery& delivery);
  void sent_all(const ServerReply& reply);

  Connection& connection_;
  const Params& params_;
  const GenericMaps& generic_;
  const ContentCheckMaps& checks_;
  const ipc::DeliveryRequest& request_;
  std::string sender_;                             // as the server is told
  std::map<std::size_t, std::string> recipients_;  // the pending ones, likewise
  std::vector<std::size_t> pending_;
  std::vector<Ending> endings_;
  std::vector<std::size_t> accepted_;
  bool needs_utf8_ = false;
  bool mail_failed_ = false;
  bool data_accepted_ = false;
  bool needs_reset_ = false;
};

}  // namespace smtp
