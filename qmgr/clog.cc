#include "qmgr/clog.h"

#include "lib/log/log.h"

namespace qmgr {
namespace {

// A destination clogs the queue when it has more than 4/5 of the messages, where they are more than 1/5 of what may be active.
constexpr std::size_t parts = 5;

}  // namespace

void Clog::look_at(const Transport& transport, Destination& destination, std::size_t messages, Deadline now) {
  if (!params_.helpful_warnings || params_.qmgr_clog_warn_time.count() == 0 || now < next_) return;
  const std::size_t used = destination.line().size() + static_cast<std::size_t>(destination.busy());
  if (messages <= static_cast<std::size_t>(params_.qmgr_message_active_limit) / parts || used <= messages * (parts - 1) / parts) return;
  next_ = now + params_.qmgr_clog_warn_time;
  maillog::warning("mail for {} is using up {} of {} active queue entries", destination.nexthop(), used, messages);
  const int limit = transport.limits().destination.concurrency_limit;
  if (limit > 0 && destination.busy() >= limit) {
    maillog::warning("you may need to increase the main.cf {}_destination_concurrency_limit from {}", transport.name(), limit);
  } else {
    maillog::warning("you may need to reduce {} connect and helo timeouts", transport.name());
    maillog::warning("so that Postfix quickly skips unavailable hosts");
    maillog::warning("you may need to increase the main.cf minimal_backoff_time and maximal_backoff_time");
    maillog::warning("so that Postfix wastes less time on undeliverable mail");
    maillog::warning("you may need to increase the master.cf {} process limit", transport.name());
  }
  maillog::warning("please avoid flushing the whole queue when you have");
  maillog::warning("lots of deferred mail, that is bad for performance");
  maillog::warning("to turn off these warnings specify: qmgr_clog_warn_time = 0");
}

}  // namespace qmgr
