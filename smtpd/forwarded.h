#pragma once
// XFORWARD: the client from whom the session's client has a message. It stands in the log and in the queue file; no
// restriction looks at it. It ends with the transaction.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "smtpd/client_attributes.h"

namespace smtpd {

// A client as the queue file's log_* attributes have him.
struct LoggedClient {
  std::string name, address, port, message_origin, helo, protocol;
};

class Forwarded {
 public:
  void take(std::span<const ClientFact> facts);

  // Whether more is known than a queue id, and where the message came from.
  [[nodiscard]] bool has_client() const { return has_client_; }
  // The message's id where it was before; empty when that is not known.
  [[nodiscard]] const std::string& ident() const { return ident_; }
  // "local" or "remote"; empty when it is as with any client.
  [[nodiscard]] std::string_view source() const { return source_; }

  // "name[address]", with the port where it is wanted (smtpd_client_port_logging); "name" where there is no address.
  [[nodiscard]] std::string name_and_address(bool with_port) const;
  [[nodiscard]] LoggedClient logged(bool with_port) const;

 private:
  std::optional<std::string> name_, address_, port_, helo_, protocol_;
  std::string ident_, source_;
  bool has_client_ = false;
};

}  // namespace smtpd
