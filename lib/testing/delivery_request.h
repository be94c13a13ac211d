#pragma once
// What qmgr(8) gives a delivery agent: a request with the queue file that it is about.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/ipc/messages/delivery.h"
#include "lib/queue/record.h"

#include "lib/testing/catch.h"

namespace testing {

// For these addresses, with a record of each in a file without a name. `content` is records.
inline ipc::DeliveryRequest delivery_request(const std::vector<std::string>& addresses, std::string_view content) {
  ipc::DeliveryRequest request;
  std::string bytes;
  queue::append_record(bytes, queue::RecordType::sender, "s@x");  // no recipient is at offset 0, which means "not to be marked"
  for (const std::string& address : addresses) {
    ipc::DeliveryRecipient recipient;
    recipient.offset = static_cast<std::int64_t>(bytes.size());
    recipient.address = address;
    request.recipients.push_back(recipient);
    queue::append_record(bytes, queue::RecordType::recipient, address);
  }
  queue::append_record(bytes, queue::RecordType::message_start, "");
  request.data_offset = static_cast<std::int64_t>(bytes.size());
  bytes += content;
  request.data_size = static_cast<std::int64_t>(content.size());
  queue::append_record(bytes, queue::RecordType::extracted, "");
  queue::append_record(bytes, queue::RecordType::end, "");
  request.file = Fd(::memfd_create("queue", MFD_CLOEXEC));
  request.queue_name = "active";
  request.queue_id = "0B5EF08C41";
  REQUIRE(::write(request.file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  return request;
}

}  // namespace testing
