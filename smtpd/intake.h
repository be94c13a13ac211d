#pragma once
// Where a message goes while it comes in: to cleanup(8), in stand-alone mode to postdrop(1), or to a filter in front of the
// queue. One that is destroyed before finish() is abandoned, and nothing of it stays.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/milter/milters.h"
#include "lib/queue/message_stream.h"
#include "lib/queue/record.h"
#include "smtpd/reply.h"

namespace smtpd {

// What is to be said to a command: 2xx, or for DATA 3xx.
enum class Wanted { taken, go_on };

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
  // The session's milters, who are to see the content.
  [[nodiscard]] virtual Result<void> hand_over(milter::Milters&, Deadline) { return {}; }
  // A command as the client gave it, for an intake that speaks SMTP itself. The refusal, if it is not taken.
  [[nodiscard]] virtual std::optional<Reply> pass_on(std::string_view, Wanted) { return std::nullopt; }
  // Only CleanupStatus::ok means that the message is on disk, or the filter's.
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
  [[nodiscard]] Result<void> hand_over(milter::Milters& milters, Deadline deadline) override {
    stream_.add(queue::RecordType::milter_count, std::to_string(milters.size()), deadline);
    for (milter::Milter& one : milters.row()) {
      ipc::send(stream_.stream(), one.hand_over(), deadline);
      TRY(ipc::receive<milter::HandoverTaken>(stream_.stream(), deadline));
    }
    return {};
  }
  [[nodiscard]] Result<ipc::MessageClosed> finish(Deadline deadline) override { return stream_.finish(deadline); }

 private:
  queue::MessageStream stream_;
};

}  // namespace smtpd
