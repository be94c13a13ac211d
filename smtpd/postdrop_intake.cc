#include "smtpd/postdrop_intake.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/io/stream.h"
#include "lib/ipc/message.h"
#include "lib/ipc/messages/postdrop.h"
#include "lib/process/process.h"

namespace smtpd {
namespace {

// What a user may say about his message. All else that smtpd knows is about clients from elsewhere; the time is postdrop's
// to say, and the filter pickup's.
constexpr std::array<std::string_view, 5> attributes_of_users{"encoding", "ret_flags", "envelope_id", "notify_flags",
                                                              "dsn_orig_rcpt"};

// Our own environment: sendmail(1) has cleaned it, and postdrop does so again.
std::vector<std::string> environment() {
  std::vector<std::string> out;
  for (char** item = environ; *item != nullptr; ++item) out.emplace_back(*item);
  return out;
}

ipc::CleanupStatus status_of(ipc::PostdropStatus status) {
  switch (status) {
    case ipc::PostdropStatus::ok: return ipc::CleanupStatus::ok;
    case ipc::PostdropStatus::bad: return ipc::CleanupStatus::bad;
    case ipc::PostdropStatus::size: return ipc::CleanupStatus::size;
    case ipc::PostdropStatus::not_permitted:
    case ipc::PostdropStatus::write: break;
  }
  return ipc::CleanupStatus::write;
}

class PostdropIntake final : public Intake {
 public:
  PostdropIntake(process::Process child, Fd to, Fd from)
      : child_(child), to_(std::make_unique<io::Stream>(std::move(to))), from_(std::move(from)) {}
  ~PostdropIntake() override { end(); }

  Result<void> open(Deadline deadline) {
    queue_id_ = TRY(ipc::receive<ipc::PostdropOpened>(from_, deadline)).queue_id;
    return {};
  }

  [[nodiscard]] const std::string& queue_id() const override { return queue_id_; }
  void add(queue::RecordType type, std::string_view data, Deadline deadline) override {
    if (type == queue::RecordType::time || type == queue::RecordType::filter) return;
    static_cast<void>(queue::write_record(*to_, type, data, deadline));
  }
  void add_attribute(std::string_view name, std::string_view value, Deadline deadline) override {
    if (std::ranges::find(attributes_of_users, name) == attributes_of_users.end()) return;
    add(queue::RecordType::attribute, fmt::format("{}={}", name, value), deadline);
  }
  [[nodiscard]] Result<ipc::MessageClosed> finish(Deadline deadline) override {
    add(queue::RecordType::end, "", deadline);
    // Where postdrop has ended already, its last words say why.
    static_cast<void>(to_->flush(deadline));
    auto ended = ipc::receive<ipc::PostdropEnded>(from_, deadline);
    end();
    if (!ended) return base::Failure(std::move(ended).error().within("postdrop"));
    return ipc::MessageClosed{.status = status_of(ended->status), .reason = {}};
  }

 private:
  // Without the E record postdrop drops what it has got.
  void end() {
    if (!to_) return;
    to_.reset();
    child_.wait();
  }

  process::Process child_;
  std::unique_ptr<io::Stream> to_;   // null when the child has ended
  io::Stream from_;
  std::string queue_id_;
};

}  // namespace

Result<std::unique_ptr<Intake>> open_postdrop(const std::string& program, Deadline deadline) {
  process::Pipe to = TRY(process::make_pipe()), from = TRY(process::make_pipe());
  const auto child = process::Process::start({.argv = {program, "-r"},
                                              .path = {},
                                              .environment = environment(),
                                              .descriptors = {{to.read_end.get(), STDIN_FILENO}, {from.write_end.get(), STDOUT_FILENO}},
                                              .directory = {},
                                              .own_session = false,
                                              .identity = {}});
  if (!child) return base::Failure(child.error());
  auto intake = std::make_unique<PostdropIntake>(*child, std::move(to.write_end), std::move(from.read_end));
  to.read_end.reset();
  from.write_end.reset();
  TRY(intake->open(deadline));
  return intake;
}

}  // namespace smtpd
