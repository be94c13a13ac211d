#pragma once
// Mail that leaves the recipient for other addresses: collected while aliases and .forward files are expanded, then put
// into the queue as new messages, one for each sender and Delivered-To address.

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/connections.h"
#include "lib/ipc/messages/delivery.h"

namespace local {

struct ForwardSettings {
  std::string myhostname;
  std::string mail_name;            // in the Received: header
  std::size_t line_length_limit;
  bool delivered_header;            // prepend_delivered_header has "forward"
  std::string cleanup_socket;       // below the queue directory
};

class Forwarding {
 public:
  // `request` is borrowed.
  Forwarding(const ipc::DeliveryRequest& request, ForwardSettings settings) : request_(request), settings_(std::move(settings)) {}

  // `recipient` has its new address; its original and ORCPT are what the new message is to have.
  void add(const std::string& sender, const std::string& delivered_to, const ipc::DeliveryRecipient& recipient);
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  [[nodiscard]] std::size_t size() const { return messages_.size(); }

  // Puts message number `i` into the queue; its queue id once it is on disk.
  [[nodiscard]] Result<std::string> submit(std::size_t i, ipc::Connections& services, Stamp now) const;

 private:
  struct Message {
    std::string sender, delivered_to;
    std::vector<ipc::DeliveryRecipient> recipients;
  };
  const ipc::DeliveryRequest& request_;
  ForwardSettings settings_;
  std::vector<Message> messages_;
};

}  // namespace local
