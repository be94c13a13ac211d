#pragma once
// Where a message goes while it comes in: to cleanup(8), or in stand-alone mode to postdrop(1). One that is destroyed
// before finish() is abandoned, and nothing of it stays.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/queue/message_stream.h"
#include "lib/queue/record.h"

namespace smtpd {

class Intake {
 public:
  Intake() = default;
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;
  virtual ~Intake() = default;

  [[nodiscard]] virtual const std::string& queue_id() const = 0;
  // A failure is remembered until finish().
  virtual void add(queue::RecordType type, std::string_view data, Deadline deadline) = 0;
  virtual void add_attribute(std::string_view name, std::string_view value, Deadline deadline) = 0;
  // Only CleanupStatus::ok means that the message is on disk.
  [[nodiscard]] virtual Result<ipc::MessageClosed> finish(Deadline deadline) = 0;
};

class CleanupIntake final : public Intake {
 public:
  explicit CleanupIntake(queue::MessageStream stream) : stream_(std::move(stream)) {}

  [[nodiscard]] const std::string& queue_id() const override { return stream_.queue_id(); }
  void add(queue::RecordType type, std::string_view data, Deadline deadline) override { stream_.add(type, data, deadline); }
  void add_attribute(std::string_view name, std::string_view value, Deadline deadline) override {
    stream_.add_attribute(name, value, deadline);
  }
  [[nodiscard]] Result<ipc::MessageClosed> finish(Deadline deadline) override { return stream_.finish(deadline); }

 private:
  queue::MessageStream stream_;
};

}  // namespace smtpd
