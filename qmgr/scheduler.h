#pragma once
// All transports together, and how many recipients are in memory: a message with very many is read in parts, as there is
// room for them. Pure.

#include <map>
#include <memory>
#include <string>

#include "qmgr/transport.h"

namespace qmgr {

class Scheduler {
 public:
  struct Limits {
    std::size_t recipients;   // in memory, beyond which messages that enter begin with no more than the minimum
    std::size_t minimum;      // of each message, whatever is in memory
  };
  // `process_limits`: maxproc of each service.
  Scheduler(const config::Main& main, std::map<std::string, int> process_limits, const Limits& limits)
      : main_(main), process_limits_(std::move(process_limits)), limits_(limits) {}

  // Error: its parameters are wrong.
  [[nodiscard]] Result<Transport*> transport(const std::string& name);
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Transport>, std::less<>>& transports() const { return transports_; }

  // Recipients in memory, of all messages and of one.
  [[nodiscard]] std::size_t recipients() const;
  [[nodiscard]] std::size_t recipients(const ActiveMessage& message) const;

  // How many recipients of a message that enters are to be read.
  [[nodiscard]] std::size_t first_batch() const;
  // How many more of a message are to be read, and when; never (no_deadline) when something has to end first. Many at once,
  // or after a while what there is room for.
  struct Refill {
    std::size_t recipients = 0;
    Deadline at = base::no_deadline;
  };
  [[nodiscard]] Refill refill(const ActiveMessage& message, Deadline now) const;

  // How many messages have entered the active queue and not left it.
  [[nodiscard]] std::size_t messages() const { return messages_; }
  void entered(const ActiveMessage& message);
  // How many of these are probes of verify(8).
  [[nodiscard]] std::size_t probes() const { return probes_; }
  // The message has been read to its end; it leaves the active queue.
  void all_read(const ActiveMessage& message);
  void forget(const ActiveMessage& message);

 private:
  const config::Main& main_;
  const std::map<std::string, int> process_limits_;
  const Limits limits_;
  std::size_t messages_ = 0, probes_ = 0;
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> transports_;
};

}  // namespace qmgr
