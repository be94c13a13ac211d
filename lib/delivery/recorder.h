#pragma once
// What every delivery agent does with the end of a delivery: the log line, the record in the bounce, defer or trace
// log, the done mark in the queue file, and the answer to qmgr(8). The order is the guarantee: a recipient is marked
// done only after its failure is safe in the bounce log; where bounce(8) does not say so, the recipient stays in the
// queue.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/deadline.h"
#include "lib/delivery/outcome.h"
#include "lib/delivery/status_filter.h"
#include "lib/ipc/connections.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/ipc/messages/delivery.h"
#include "lib/ipc/messages/verify.h"
#include "lib/queue/flush_sites.h"

namespace delivery {

// The logs that bounce(8) keeps, as a service of its own each.
enum class StatusLog { bounce, defer, trace };

// Where records of recipients go; tests have their own.
class StatusSink {
 public:
  StatusSink() = default;
  StatusSink(const StatusSink&) = delete;
  StatusSink& operator=(const StatusSink&) = delete;
  virtual ~StatusSink() = default;
  // True only when the service has promised to keep the record.
  [[nodiscard]] virtual bool append(StatusLog log, const ipc::BounceRequest& request) = 0;
  // verify(8) is to know how the probe of an address ended.
  enum class Told { yes, no, not_wanted };
  [[nodiscard]] virtual Told probed(const std::string& address, ipc::VerifyState state, const std::string& reason) {
    static_cast<void>(address), static_cast<void>(state), static_cast<void>(reason);
    return Told::no;
  }
  // Mail for the site stays in the queue, whatever the reason.
  virtual void waits(const std::string& queue_id, const std::string& site) {
    static_cast<void>(queue_id);
    static_cast<void>(site);
  }
};

// Where bounce(8) is asked, by kind of log: sockets below the queue directory.
struct LogSockets {
  std::string bounce, defer, trace;
  std::string verify{};              // verify(8), which keeps bad news too ...
  bool verify_keeps_failures = true;  // ... unless address_verify_negative_cache is off
  // Of bounce_service_name and so on.
  template <class Params>
  static LogSockets of(const Params& params) {
    return {.bounce = "private/" + params.bounce_service_name,
            .defer = "private/" + params.defer_service_name,
            .trace = "private/" + params.trace_service_name,
            .verify = "private/" + params.address_verify_service_name,
            .verify_keeps_failures = params.address_verify_negative_cache};
  }
};

// Asks bounce(8), verify(8), and flush(8) to list what waits for one of `sites`.
class BounceClient : public StatusSink {
 public:
  // `services` and `sites` are borrowed. Without sites: for a program that defers nothing.
  BounceClient(ipc::Connections& services, LogSockets sockets, const queue::FlushSites* sites = nullptr)
      : services_(services), sockets_(std::move(sockets)), sites_(sites) {}
  [[nodiscard]] bool append(StatusLog log, const ipc::BounceRequest& request) override;
  [[nodiscard]] Told probed(const std::string& address, ipc::VerifyState state, const std::string& reason) override;
  void waits(const std::string& queue_id, const std::string& site) override;

 private:
  ipc::Connections& services_;
  LogSockets sockets_;
  const queue::FlushSites* sites_;
};

struct RecorderSettings {
  bool soft_bounce = false;                 // soft_bounce: failures stay in the queue
  int delay_logging_resolution_limit = 2;
  const StatusFilter* filter = nullptr;     // PROGRAM_delivery_status_filter; borrowed
};

// When the parts of an attempt happened; the rest is in the request.
struct Timing {
  std::optional<Stamp> connected;  // the connection (or child) was ready; none: no set-up, or it never was
  int connection_use = 1;          // the how manyth message of its connection this is
};

// For the life of one DeliveryRequest.
class Recorder {
 public:
  // All are borrowed. `clock` says when a delivery ended.
  Recorder(const ipc::DeliveryRequest& request, StatusSink& sink, const base::Clock& clock, RecorderSettings settings)
      : request_(request), sink_(sink), clock_(clock), settings_(settings) {}

  // report(), and then complete() unless the recipient has to be tried again. For agents that deliver a recipient in
  // one step. Returns what it came to: `deferred` also where bounce(8) could not take a failure.
  Status record(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing = {});

  // Logs, and appends to the logs of bounce(8), but does not mark: for an agent that makes several deliveries of one
  // recipient (aliases, .forward). `recipient` may have another address than the one in the request.
  [[nodiscard]] Status report(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing = {});

  // Only appends to the trace log: what became of an address that was expanded, which no log line tells.
  void trace(const ipc::DeliveryRecipient& recipient, const Delivery& delivery);

  // Marks the recipient as done in the queue file. A failure to mark is logged; the message is then delivered again.
  void complete(const ipc::DeliveryRecipient& recipient);

  // The next hop as a whole failed: qmgr makes it wait.
  void hop_failed(const Delivery& delivery);

  // To qmgr, after the last recipient: all are done if each was completed.
  [[nodiscard]] ipc::DeliveryAnswer answer() const;

 private:
  [[nodiscard]] ipc::BounceRequest append_request(const ipc::DeliveryRecipient& recipient, const Delivery& delivery,
                                                  std::string_view action) const;
  [[nodiscard]] bool append(StatusLog log, const ipc::DeliveryRecipient& recipient, const Delivery& delivery,
                            std::string_view action);
  void log(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing,
           std::string_view status) const;
  Status probed(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing);
  Status verified(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing);
  Status sent(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing);
  Status bounced(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing);
  Status deferred(const ipc::DeliveryRecipient& recipient, const Delivery& delivery, const Timing& timing,
                  std::string_view label);
  void waits(const ipc::DeliveryRecipient& recipient);

  const ipc::DeliveryRequest& request_;
  StatusSink& sink_;
  const base::Clock& clock_;
  RecorderSettings settings_;
  std::size_t completed_ = 0;
  std::string waiting_site_;  // the last one that was told
  ipc::DeliveryAnswer answer_;
};

}  // namespace delivery
