#pragma once
// Puts a notice into the queue, by way of cleanup(8). The one place where a notice becomes a message: it is in the queue
// when this returns an id.

#include <string>
#include <string_view>

#include "bounce/notice.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/cleanup.h"

namespace bounce {

class Outbox {
 public:
  Outbox(ipc::Connections& services, const base::Clock& clock, Site site, std::size_t line_length_limit,
         std::string cleanup_socket = std::string(ipc::cleanup_socket))
      : services_(services),
        clock_(clock),
        site_(std::move(site)),
        line_length_limit_(line_length_limit),
        cleanup_socket_(std::move(cleanup_socket)) {}

  [[nodiscard]] const Site& site() const { return site_; }

  // `from` is the envelope sender, in internal form: empty for notices to senders, the double-bounce address for those
  // to the postmaster. Returns the new queue id.
  [[nodiscard]] Result<std::string> send(std::string_view from, const Notice& notice, const Template& text,
                                         const Recipients& recipients);

 private:
  ipc::Connections& services_;
  const base::Clock& clock_;
  Site site_;
  std::size_t line_length_limit_;
  std::string cleanup_socket_;
};

}  // namespace bounce
