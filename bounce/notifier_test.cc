// Which notices are sent, to whom, and what is left of the logs: with a cleanup that takes notes, over real sockets.

#include <fstream>

#include <sys/stat.h>

#include "bounce/notifier.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/queue/log_file.h"
#include "lib/queue/record.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using bounce::Notifier;
using bounce::Policy;
using bounce::Subject;
using queue::Queue;

namespace {

struct Taken {
  std::string sender, recipient, content;
  ipc::CleanupFlags flags;
};

// Speaks cleanup's side of the conversation, one connection after the other.
class FakeCleanup {
 public:
  explicit FakeCleanup(const std::string& path) {
    auto listener = io::listen_unix(path, 0600, 10);
    REQUIRE(listener);
    listener_ = std::move(*listener);
  }
  ipc::CleanupStatus verdict = ipc::CleanupStatus::ok;
  bool full = false;
  bool dies = false;   // after the first record
  std::vector<Taken> taken;

  void run() {
    for (;;) {
      if (!event::wait_fd(listener_.get(), event::Ready::readable, base::after(std::chrono::seconds(10)))) return;
      auto connection = io::accept(listener_.get());
      if (connection) serve(io::Stream(std::move(*connection)));
    }
  }

 private:
  void serve(io::Stream stream) {
    const Deadline deadline = base::after(std::chrono::seconds(10));
    for (;;) {
      const auto open = ipc::receive<ipc::OpenMessage>(stream, deadline);
      if (!open) return;
      const std::string id = full ? "" : "0A" + std::to_string(taken.size()) + "BC12";
      ipc::send(stream, ipc::MessageOpened{id, full ? "no space" : ""}, deadline);
      if (full) continue;
      Taken message{{}, {}, {}, open->flags};
      std::string buffer;
      for (;;) {
        const auto record = queue::read_record(stream, buffer, deadline);
        if (!record || dies) return;
        if (record->type == queue::RecordType::sender) message.sender = record->data;
        if (record->type == queue::RecordType::recipient) message.recipient = record->data;
        if (record->type == queue::RecordType::normal) message.content += std::string(record->data) + '\n';
        if (record->type == queue::RecordType::end) break;
      }
      if (verdict == ipc::CleanupStatus::ok) taken.push_back(message);
      ipc::send(stream, ipc::MessageClosed{verdict, ""}, deadline);
    }
  }

  Fd listener_;
};

struct Fixture {
  testing::TemporaryDirectory directory;
  queue::Layout layout{directory.path(), "deferred, defer", 1};
  queue::QueueId id = *queue::QueueId::parse("0B5EF08C41");
  ipc::BounceRequest request;
  Policy policy;
  std::unique_ptr<FakeCleanup> cleanup;

  Fixture() {
    for (int i = 0; i <= static_cast<int>(Queue::flush); ++i) {
      std::filesystem::create_directory(layout.directory(static_cast<Queue>(i)));
    }
    request.queue_name = "active";
    request.queue_id = id.text();
    request.sender = "bob@example.test";
    policy.bounce_recipient = "postmaster";
    policy.double_bounce_recipient = "2bounce";
    policy.delay_recipient = "delays";
    policy.double_bounce_sender = "double-bounce@mail.example.test";
    policy.null_sender = "MAILER-DAEMON@mail.example.test";
    policy.size_limit = 50'000;
    cleanup = std::make_unique<FakeCleanup>(directory.path() + "cleanup");
    std::string bytes;
    queue::append_record(bytes, queue::RecordType::time, "1795500000 0");
    queue::append_record(bytes, queue::RecordType::sender, request.sender);
    queue::append_record(bytes, queue::RecordType::recipient, "left@example.test");
    queue::append_record(bytes, queue::RecordType::message_start, "");
    queue::append_record(bytes, queue::RecordType::normal, "Subject: the message");
    queue::append_record(bytes, queue::RecordType::normal, "");
    queue::append_record(bytes, queue::RecordType::normal, "the body");
    queue::append_record(bytes, queue::RecordType::extracted, "");
    queue::append_record(bytes, queue::RecordType::end, "");
    std::ofstream(layout.path(Queue::active, id), std::ios::binary) << bytes;
  }

  void logged(Queue log, const std::string& recipient, int notify = 0) {
    ipc::RecipientStatus status;
    status.recipient = status.original_recipient = recipient;
    status.status = "5.1.1";
    status.action = "failed";
    status.reason = "the reason";
    status.notify_flags = notify;
    REQUIRE(queue::append_status(layout, log, id, status, queue::Durability::none));
  }

  // Runs one call of the notifier against the cleanup.
  template <class Call>
  bool run(Call call) {
    bool result = false;
    event::Loop loop;
    ipc::Connections services;
    bool done = false;
    REQUIRE(loop.spawn("cleanup", [&] { cleanup->run(); }));
    REQUIRE(loop.spawn("bounce", [&] {
      const std::string socket = directory.path() + "cleanup";
      bounce::Outbox outbox(services, base::system_clock(),
                            bounce::Site{"mail.example.test", "Postfix", true, std::chrono::hours(120)}, 2048, socket);
      Notifier notifier(layout, policy, bounce::Templates(), outbox);
      result = call(notifier, Subject{request, id, Queue::active});
      done = true;
      loop.stop();
    }));
    loop.run();
    loop.cancel_all(base::after(std::chrono::seconds(5)));
    CHECK(done);
    return result;
  }
  bool flush(Queue log) {
    return run([log](Notifier& notifier, const Subject& subject) { return notifier.flush(subject, log); });
  }
  [[nodiscard]] const std::vector<Taken>& taken() const { return cleanup->taken; }
};

}  // namespace

TEST_CASE("a failure goes to the sender from the null sender, and its log is gone then") {
  Fixture f;
  f.logged(Queue::bounce, "nosuch@example.test");
  CHECK(f.flush(Queue::bounce));
  REQUIRE(f.taken().size() == 1);
  CHECK(f.taken()[0].sender.empty());
  CHECK(f.taken()[0].recipient == "bob@example.test");
  CHECK(f.taken()[0].flags == (ipc::CleanupFlags::internal | ipc::CleanupFlags::map));
  CHECK(f.taken()[0].content.contains("\n<nosuch@example.test>: the reason\n"));
  CHECK(f.taken()[0].content.contains("\nthe body\n\n--0B5EF08C41."));
  CHECK_FALSE(f.layout.exists(Queue::bounce, f.id));
}

TEST_CASE("with VERP each recipient has a notice of its own, to a sender that names it") {
  Fixture f;
  f.request.verp = "+=";
  f.logged(Queue::bounce, "one@remote.test");
  f.logged(Queue::bounce, "never@remote.test", 1);
  f.logged(Queue::bounce, "two@remote.test");
  CHECK(f.flush(Queue::bounce));
  REQUIRE(f.taken().size() == 2);
  CHECK(f.taken()[0].recipient == "bob+one=remote.test@example.test");
  CHECK(f.taken()[0].content.contains("<one@remote.test>: the reason"));
  CHECK_FALSE(f.taken()[0].content.contains("<two@remote.test>"));
  CHECK(f.taken()[0].content.contains("X-Postfix-Sender: rfc822; bob@example.test"));
  CHECK(f.taken()[1].recipient == "bob+two=remote.test@example.test");
  CHECK_FALSE(f.layout.exists(Queue::bounce, f.id));
}

TEST_CASE("a notice that cleanup does not take leaves the log where it is") {
  for (const int how : {0, 1, 2}) {
    Fixture f;
    f.logged(Queue::bounce, "nosuch@example.test");
    if (how == 0) f.cleanup->verdict = ipc::CleanupStatus::write;
    if (how == 1) f.cleanup->full = true;
    if (how == 2) f.cleanup->dies = true;
    CHECK_FALSE(f.flush(Queue::bounce));
    CHECK(f.layout.exists(Queue::bounce, f.id));
    f.cleanup->verdict = ipc::CleanupStatus::ok;
    f.cleanup->full = f.cleanup->dies = false;
    CHECK(f.flush(Queue::bounce));
    CHECK(f.taken().size() == 1);
    CHECK_FALSE(f.layout.exists(Queue::bounce, f.id));
  }
}

TEST_CASE("NOTIFY decides who is told of what") {
  Fixture f;
  f.policy.postmaster_bounce = true;
  f.logged(Queue::bounce, "never@example.test", 1);
  f.logged(Queue::bounce, "success@example.test", 2);
  CHECK(f.flush(Queue::bounce));
  REQUIRE(f.taken().size() == 1);
  CHECK(f.taken()[0].sender == "double-bounce@mail.example.test");
  CHECK(f.taken()[0].recipient == "postmaster");
  CHECK(f.taken()[0].content.contains("\nSubject: Postmaster Copy: Undelivered Mail\n"));
  CHECK(f.taken()[0].content.contains("never@example.test"));
  CHECK_FALSE(f.taken()[0].content.contains("the body"));
  CHECK_FALSE(f.layout.exists(Queue::bounce, f.id));

  f.logged(Queue::bounce, "never@example.test", 1);
  f.logged(Queue::bounce, "failure@example.test", 4);
  CHECK(f.flush(Queue::bounce));
  REQUIRE(f.taken().size() == 3);
  CHECK(f.taken()[1].recipient == "bob@example.test");
  CHECK_FALSE(f.taken()[1].content.contains("never@example.test"));
  CHECK(f.taken()[1].content.contains("failure@example.test"));
}

TEST_CASE("a notice that bounces goes to the postmaster if wanted, and ends there") {
  Fixture f;
  f.request.sender.clear();
  f.logged(Queue::bounce, "nosuch@example.test");
  CHECK(f.flush(Queue::bounce));
  CHECK(f.taken().empty());
  CHECK_FALSE(f.layout.exists(Queue::bounce, f.id));

  f.policy.postmaster_2bounce = true;
  f.logged(Queue::bounce, "nosuch@example.test");
  CHECK(f.flush(Queue::bounce));
  REQUIRE(f.taken().size() == 1);
  CHECK(f.taken()[0].recipient == "2bounce");
  CHECK(f.taken()[0].sender == "double-bounce@mail.example.test");
  CHECK(f.taken()[0].content.contains("\nX-Postfix-Sender: rfc822; MAILER-DAEMON@mail.example.test\n"));
  CHECK(f.taken()[0].content.contains("\nthe body\n"));

  f.request.sender = f.policy.double_bounce_sender;
  f.logged(Queue::bounce, "2bounce");
  CHECK(f.flush(Queue::bounce));
  CHECK(f.taken().size() == 1);
  CHECK_FALSE(f.layout.exists(Queue::bounce, f.id));
}

TEST_CASE("a message that is too old is returned with all that is left of it, logged or not") {
  Fixture f;
  f.logged(Queue::defer, "logged@example.test");
  CHECK(f.flush(Queue::defer));
  REQUIRE(f.taken().size() == 1);
  CHECK(f.taken()[0].content.contains("\n<logged@example.test>: the reason\n"));
  CHECK(f.taken()[0].content.contains("\n<left@example.test>: (error report unavailable)\n"));
  CHECK_FALSE(f.layout.exists(Queue::defer, f.id));
  CHECK(f.flush(Queue::defer));
  CHECK(f.taken().size() == 2);
}

TEST_CASE("a delay is told and its log stays; RET=HDRS and size keep the body back") {
  Fixture f;
  f.logged(Queue::defer, "later@example.test");
  f.logged(Queue::defer, "quiet@example.test", 4);
  f.policy.postmaster_delay = true;
  CHECK(f.run([](Notifier& notifier, const Subject& subject) { return notifier.warn(subject); }));
  REQUIRE(f.taken().size() == 2);
  CHECK(f.taken()[0].content.contains("\nSubject: Delayed Mail (still being retried)\n"));
  CHECK_FALSE(f.taken()[0].content.contains("quiet@example.test"));
  CHECK_FALSE(f.taken()[0].content.contains("the body"));
  CHECK(f.taken()[1].recipient == "delays");
  CHECK(f.layout.exists(Queue::defer, f.id));

  f.request.dsn_ret = 2;
  f.logged(Queue::bounce, "nosuch@example.test");
  CHECK(f.flush(Queue::bounce));
  CHECK_FALSE(f.taken()[2].content.contains("the body"));
}

TEST_CASE("a trace becomes a success notice, or the report that was asked for") {
  const auto trace = [](Notifier& notifier, const Subject& subject) { return notifier.trace(subject); };
  Fixture f;
  CHECK(f.run(trace));
  CHECK(f.taken().empty());
  f.logged(Queue::trace, "a@example.test");
  CHECK(f.run(trace));
  CHECK(f.taken().at(0).content.contains("\nSubject: Successful Mail Delivery Report\n"));
  CHECK_FALSE(f.layout.exists(Queue::trace, f.id));
  f.logged(Queue::trace, "a@example.test");
  f.request.trace_flags = 1024;
  CHECK(f.run(trace));
  CHECK(f.taken().at(1).content.contains("\nSubject: Mail Delivery Status Report\n"));
  f.request.sender.clear();
  f.logged(Queue::trace, "a@example.test");
  CHECK(f.run(trace));
  CHECK(f.taken().size() == 2);
  CHECK_FALSE(f.layout.exists(Queue::trace, f.id));
}

TEST_CASE("a notice is made although the message is gone or damaged") {
  Fixture f;
  f.logged(Queue::bounce, "nosuch@example.test");
  std::filesystem::remove(f.layout.path(Queue::active, f.id));
  CHECK(f.flush(Queue::bounce));
  f.logged(Queue::bounce, "nosuch@example.test");
  std::ofstream(f.layout.path(Queue::active, f.id)) << "not a queue file";
  CHECK(f.flush(Queue::bounce));
  REQUIRE(f.taken().size() == 2);
  CHECK(f.taken()[1].content.contains("Diagnostic-Code: X-Postfix; the reason"));
}
