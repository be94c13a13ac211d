#include "services/showq/lister.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <sys/stat.h>

#include "lib/queue/record.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using queue::Queue;
using queue::RecordType;

namespace {

std::string message(const std::vector<std::string>& recipients) {
  constexpr int size_record = 81;   // five numbers
  std::string head, content, size, rest;
  queue::append_record(head, RecordType::time, "1700000000 0");
  queue::append_record(head, RecordType::sender, "joe@example.net");
  for (const std::string& recipient : recipients) queue::append_record(head, RecordType::recipient, recipient);
  queue::append_record(head, RecordType::message_start, "");
  queue::append_record(content, RecordType::normal, "Subject: x");
  queue::append_record(rest, RecordType::extracted, "");
  queue::append_record(rest, RecordType::end, "");
  queue::append_record(size, RecordType::size, fmt::format("{:15} {:15} {:15} {:15} {:15}", content.size(), size_record + head.size(),
                                                           recipients.size(), 0, content.size()));
  REQUIRE(size.size() == size_record);
  return size + head + content + rest;
}

struct World {
  World() {
    for (const Queue queue : queue::listed_queues) std::filesystem::create_directories(layout.directory(queue));
    std::filesystem::create_directories(layout.directory(Queue::defer));
  }

  void write(Queue queue, const std::string& id, const std::string& text) const {
    const std::string path = layout.path(queue, *queue::QueueId::parse(id));
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0700);
  }
  void remove(Queue queue, const std::string& id) const { std::filesystem::remove(layout.path(queue, *queue::QueueId::parse(id))); }
  std::string list() {
    const auto items = lister.list();
    return lister.encode(items, 0, items.size());
  }

  testing::TemporaryDirectory directory;
  queue::Layout layout{directory.path(), "", 1};
  showq::Lister lister{layout};
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a listing says what the files say now, read before or not") {
  World world;
  world.write(Queue::deferred, "0B5EF08C41", message({"one@example.com"}));
  world.write(Queue::incoming, "1A49848F12", message({"two@example.com"}));
  const std::string first = world.list();
  CHECK((has(first, "one@example.com") && has(first, "two@example.com")));
  CHECK(world.list() == first);
  world.remove(Queue::incoming, "1A49848F12");
  CHECK_FALSE(has(world.list(), "two@example.com"));
  world.remove(Queue::deferred, "0B5EF08C41");
  world.write(Queue::deferred, "0B5EF08C41", message({"three@example.com"}));
  CHECK((has(world.list(), "three@example.com") && !has(world.list(), "one@example.com")));
}

TEST_CASE("messages between and before those that were shown are found") {
  World world;
  for (int i = 0; i < 60; i += 2) world.write(Queue::deferred, fmt::format("0B5EF08C{:02X}", i), message({fmt::format("user{}@example.com", i)}));
  static_cast<void>(world.list());
  for (int i = 0; i < 60; i += 6) world.remove(Queue::deferred, fmt::format("0B5EF08C{:02X}", i));
  for (int i = 1; i < 60; i += 2) world.write(Queue::deferred, fmt::format("0B5EF08C{:02X}", i), message({fmt::format("user{}@example.com", i)}));
  for (int round = 0; round < 2; ++round) {
    const std::string text = world.list();
    for (int i = 0; i < 60; ++i) {
      INFO(round << " " << i);
      CHECK(has(text, fmt::format("user{}@", i)) == (i % 6 != 0));
    }
  }
}

TEST_CASE("a message that moves is listed where it is, and one that cannot be read is not listed") {
  World world;
  world.write(Queue::deferred, "0B5EF08C41", message({"one@example.com"}));
  CHECK(has(world.list(), std::string_view("queue_name\0deferred\0", 20)));
  std::filesystem::rename(world.layout.path(Queue::deferred, *queue::QueueId::parse("0B5EF08C41")),
                          world.layout.path(Queue::active, *queue::QueueId::parse("0B5EF08C41")));
  CHECK(has(world.list(), std::string_view("queue_name\0active\0", 18)));
  world.write(Queue::deferred, "1A49848F12", "no message");
  CHECK_FALSE(has(world.list(), "1A49848F12"));
}

TEST_CASE("what does not fit into memory is listed all the same") {
  World world;
  const std::string large = "user@" + std::string(1000, 'x') + ".example";
  const std::string text = message(std::vector<std::string>(500, large));  // 20 MB of recipients in all
  for (int i = 0; i < 40; ++i) world.write(Queue::deferred, fmt::format("0B5EF08C{:02X}", i), text);
  const std::string first = world.list();
  CHECK(first.size() > 20'000'000);
  CHECK(world.list() == first);
}
