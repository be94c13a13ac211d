#include "lib/mailbox/worker_pool.h"

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/mailbox/spawner.h"
#include "lib/mailbox/test_message.h"
#include "lib/testing/catch.h"

namespace mailbox {
namespace {

constexpr std::string_view text = "Subject: s\n\nhello\n";

// The spawner is forked before the loop is there.
void with_pool(const std::function<void(WorkerPool&)>& body) {
  auto spawner = start_spawner();
  REQUIRE(spawner);
  event::Loop loop;
  bool finished = false;
  REQUIRE(loop.spawn("test", [&] {
    WorkerPool pool(std::move(*spawner));
    body(pool);
    finished = true;
    loop.stop();
  }));
  loop.run();
  REQUIRE(finished);
}

TaskMessage task_message(const TestMessage& message) {
  const Heading heading = TestMessage::heading();
  return {Fd(::dup(message.fd())), 0, heading.sender, heading.original_to, heading.delivered_to, heading.arrived};
}

Identity someone() { return ::geteuid() == 0 ? Identity{12345, 12346} : Identity{::geteuid(), ::getegid()}; }

std::string current_identity(WorkerPool& pool, const TestMessage& message) {
  CommandTask task;
  task.message = task_message(message);
  task.command = "id -u; id -g; id -G; exit 1";
  task.environment = {"PATH=/usr/bin:/bin"};
  const auto answer = pool.ask(someone(), task, std::chrono::seconds(10));
  return answer ? answer->diagnosis : answer.error().message();
}

TEST_CASE("a worker has become the user, and stays for the next task") {
  with_pool([](WorkerPool& pool) {
    const TestMessage message(text);
    const std::string uid = std::to_string(someone().uid);
    const std::string gid = std::to_string(someone().gid);
    const std::string output = current_identity(pool, message);
    REQUIRE(output.starts_with(uid + "\n" + gid + "\n"));
    if (::geteuid() == 0) REQUIRE(output == uid + "\n" + gid + "\n" + gid + "\n");
    REQUIRE(current_identity(pool, message) == output);
    REQUIRE(pool.drop_idle() == 1);
  });
}

TEST_CASE("tasks of a user run side by side") {
  with_pool([](WorkerPool& pool) {
    const TestDirectory directory;
    ::chmod(directory.path().c_str(), 0777);
    const TestMessage message(text);
    int delivered = 0;
    event::Notify done;
    for (int i = 0; i < 40; ++i) {
      REQUIRE(event::Loop::current().spawn("delivery", [&] {
        MaildirTask task;
        task.message = task_message(message);
        task.path = directory / "Maildir";
        task.host = "host.test";
        const auto answer = pool.ask(someone(), task, std::chrono::seconds(30));
        if (answer && answer->dsn == "2.0.0") ++delivered;
        done.notify();
      }));
    }
    for (int rounds = 0; delivered < 40 && rounds < 100; ++rounds) static_cast<void>(done.wait(base::after(std::chrono::seconds(5))));
    REQUIRE(delivered == 40);
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory / "Maildir/new")) files += entry.is_regular_file();
    REQUIRE(files == 40);
    REQUIRE(pool.drop_idle() <= WorkerPool::workers_per_user_limit);
  });
}

TEST_CASE("a worker that dies fails its task only") {
  with_pool([](WorkerPool& pool) {
    const TestMessage message(text);
    CommandTask task;
    task.message = task_message(message);
    task.command = "kill -9 $PPID";
    task.environment = {"PATH=/usr/bin:/bin"};
    REQUIRE_FALSE(pool.ask(someone(), task, std::chrono::seconds(10)));
    REQUIRE(current_identity(pool, message).starts_with(std::to_string(someone().uid)));
  });
}

TEST_CASE("a worker that does not answer is ended at its time limit") {
  with_pool([](WorkerPool& pool) {
    const TestMessage message(text);
    CommandTask task;
    task.message = task_message(message);
    task.command = "kill -STOP $PPID; sleep 1000";
    task.environment = {"PATH=/usr/bin:/bin"};
    REQUIRE_FALSE(pool.ask(someone(), task, std::chrono::seconds(1) - WorkerPool::task_margin));
    REQUIRE(current_identity(pool, message).starts_with(std::to_string(someone().uid)));
  });
}

TEST_CASE("a worker reads .forward files") {
  with_pool([](WorkerPool& pool) {
    const TestDirectory directory;
    ::chmod(directory.path().c_str(), 0755);
    write_whole(directory / ".forward", "bob, carol\n");
    ForwardTask task;
    task.paths = {directory / ".forward"};
    task.user = static_cast<std::int64_t>(::geteuid());
    const auto answer = pool.ask(someone(), task, std::chrono::seconds(10));
    REQUIRE(answer);
    REQUIRE(answer->destinations == std::vector<std::string>{"bob", "carol"});
    REQUIRE(answer->outcomes.empty());
  });
}

TEST_CASE("a worker that finds no .forward delivers at once, and one that finds one does not") {
  with_pool([](WorkerPool& pool) {
    const TestDirectory directory;
    ::chmod(directory.path().c_str(), 0755);
    REQUIRE(::chown(directory.path().c_str(), someone().uid, someone().gid) == 0);
    const TestMessage message(text);
    ForwardTask task;
    task.paths = {directory / ".forward"};
    task.user = static_cast<std::int64_t>(::geteuid());
    MaildirTask delivery;
    delivery.message = task_message(message);
    delivery.path = directory / "Maildir";
    delivery.host = "test";
    task.otherwise.push_back(std::move(delivery));
    const auto delivered = pool.ask(someone(), task, std::chrono::seconds(10));
    REQUIRE(delivered);
    REQUIRE(delivered->outcomes.size() == 1);
    REQUIRE(delivered->outcomes.front().dsn == "2.0.0");
    const std::filesystem::directory_iterator fresh(directory / "Maildir/new"), none;
    REQUIRE(std::distance(fresh, none) == 1);

    write_whole(directory / ".forward", "bob\n");
    const auto forwarded = pool.ask(someone(), task, std::chrono::seconds(10));
    REQUIRE(forwarded);
    REQUIRE(forwarded->destinations == std::vector<std::string>{"bob"});
    REQUIRE(forwarded->outcomes.empty());
  });
}

TEST_CASE("turns are taken one after the other") {
  with_pool([](WorkerPool& pool) {
    int inside = 0, most = 0, ended = 0;
    event::Notify done;
    for (int i = 0; i < 5; ++i) {
      REQUIRE(event::Loop::current().spawn("turn", [&] {
        {
          const auto turn = pool.mailbox_turns().take("box", 1, base::after(std::chrono::seconds(10)));
          most = std::max(most, ++inside);
          event::yield();
          --inside;
        }
        ++ended;
        done.notify();
      }));
    }
    while (ended < 5) static_cast<void>(done.wait(base::after(std::chrono::seconds(5))));
    REQUIRE(most == 1);
  });
}

}  // namespace
}  // namespace mailbox
