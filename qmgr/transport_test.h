#pragma once
// What tests of transports share: messages that are no files, and deliveries one after another. Tests own the time.

#include "qmgr/transport.h"

#include <string>
#include <vector>

#include "lib/testing/catch.h"

namespace qmgr::test {

inline const Deadline start = Deadline(std::chrono::seconds(1000));

inline std::unique_ptr<Transport> make(std::string_view service, std::string_view main_cf, int process_limit = 0) {
  const auto main = config::Main::parse(main_cf, "/etc/postfix");
  REQUIRE(main.has_value());
  auto made = Transport::make(std::string(service), *main, process_limit);
  REQUIRE(made.has_value());
  return std::move(*made);
}

// The n-th message, of which so many recipients are counted, and those from `unread` on are not read yet.
inline std::shared_ptr<ActiveMessage> message(std::uint64_t number, std::int64_t recipients = 1, std::int64_t unread = 0) {
  queue::Message envelope;
  envelope.recipient_count = recipients;
  envelope.more_recipients = unread;
  return std::make_shared<ActiveMessage>(queue::QueueId::make(queue::IdForm::short_form, Stamp{}, number), std::move(envelope), Stamp{}, number,
                                         Why::due);
}

inline Destination& put(Transport& transport, const std::shared_ptr<ActiveMessage>& of, const std::string& nexthop, int batches = 1,
                        const std::string& recipient = "a@example.com", Deadline now = start) {
  for (; batches > 0; --batches) transport.add(transport.destination(nexthop, recipient), {of, {{.offset = 1, .address = recipient}}}, now);
  return transport.destination(nexthop, recipient);
}

inline void end(Transport& transport, const Transport::Start& delivery, Deadline now = start) {
  delivery.destination->succeeded();
  transport.ended(*delivery.destination, delivery.batch, now);
}

// Starts all that may start.
inline std::vector<Transport::Start> start_all(Transport& transport, Deadline now = start) {
  std::vector<Transport::Start> started;
  while (auto one = transport.next(now)) started.push_back(std::move(*one));
  return started;
}

inline std::vector<std::string> names(const std::vector<Transport::Start>& started) {
  std::vector<std::string> out;
  for (const auto& one : started) out.push_back(one.destination->name());
  return out;
}

}  // namespace qmgr::test
