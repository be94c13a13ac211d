#include <fstream>

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/mail/address.h"
#include "lib/queue/content.h"
#include "lib/queue/incoming.h"
#include "lib/queue/lock.h"
#include "lib/queue/log_file.h"
#include "lib/queue/message.h"
#include "lib/queue/record_reader.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using queue::IdForm;
using queue::Queue;
using queue::QueueId;
using queue::RecordType;

namespace {

class FixedClock : public base::Clock {
 public:
  [[nodiscard]] Stamp stamp() const override {
    return Stamp(std::chrono::seconds(1795489826) + std::chrono::microseconds(641163));
  }
};

// An empty queue directory.
struct Spool {
  testing::TemporaryDirectory directory;
  queue::Layout layout{directory.path(), "deferred, defer", 1};
  FixedClock clock;
  Spool() {
    for (int i = 0; i <= static_cast<int>(Queue::flush); ++i) {
      std::filesystem::create_directory(layout.directory(static_cast<Queue>(i)));
    }
  }
  std::unique_ptr<queue::IncomingDirectory> incoming(IdForm form = IdForm::short_form) {
    auto opened = queue::IncomingDirectory::open(layout, form, clock);
    REQUIRE(opened);
    return std::move(*opened);
  }
  [[nodiscard]] long files(Queue queue) const {
    return std::distance(std::filesystem::directory_iterator(layout.directory(queue)), {});
  }
};

void write_message(queue::IncomingFile& file, const std::vector<std::string>& recipients, std::string_view body) {
  REQUIRE(file.add(RecordType::time, "1795489826 641163"));
  REQUIRE(file.add(RecordType::sender, "sender@example.com"));
  for (const std::string& recipient : recipients) {
    REQUIRE(file.add(RecordType::original_recipient, recipient));
    REQUIRE(file.add(RecordType::recipient, recipient));
  }
  REQUIRE(file.add(RecordType::message_start, ""));
  REQUIRE(file.add(RecordType::normal, "Subject: x"));
  REQUIRE(file.add(RecordType::normal, ""));
  REQUIRE(file.add(RecordType::normal, body));
  REQUIRE(file.add(RecordType::extracted, ""));
  REQUIRE(file.add_attribute("encoding", "8bit"));
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

ipc::RecipientStatus failure(const std::string& address) {
  ipc::RecipientStatus status;
  status.recipient = address;
  status.original_recipient = "list@example.com";
  status.offset = 701;
  status.status = "5.1.1";
  status.action = "failed";
  status.diag_type = "smtp";
  status.diag_text = "550 5.1.1 unknown";
  status.mta_type = "dns";
  status.mta_mname = "mx.example.com";
  status.reason = "host said\r\nno";
  return status;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("ids are made, parsed and spread over directories as Postfix does") {
  const Stamp stamp(std::chrono::seconds(1795489826) + std::chrono::microseconds(641163));
  CHECK(QueueId::make(IdForm::short_form, stamp, 0x53D34).text() == "9C88B53D34");
  const QueueId long_id = QueueId::make(IdForm::long_form, stamp, 0x53D34);
  CHECK(QueueId::parse(long_id.text()) == long_id);
  CHECK(long_id.inode() == 0x53D34);
  CHECK(long_id.hash_path(2) == "9/C/");
  CHECK(QueueId::parse("0B5EF08C41")->inode() == 0x08C41);
  CHECK(QueueId::parse("0B5EF08C41")->hash_path(1) == "0/");
  CHECK(QueueId::parse("0B5EF1")->hash_path(8) == "0/B/5/E/F/1/_/_/");
  CHECK(QueueId::parse("4jYSZF045lz2ZJ2")->hash_path(1) == "0/");
  CHECK(QueueId::parse("4jYSZT5qqBz2ZKp")->hash_path(1) == "C/");
  CHECK(QueueId::parse("4jYSZD71QTz2ZJ0")->hash_path(1) == "F/");
  for (const char* bad : {"", "1", "12345", "0b5ef08c41", "notaqueuefile", "../../etc", "0B5EF08C4G", "4jYSZF045z", "z", ".", "12.345"}) {
    CHECK_FALSE(QueueId::parse(bad));
  }
  CHECK_FALSE(QueueId::parse(std::string(101, 'A')));
}

TEST_CASE("a committed message is complete, readable and named by its inode") {
  for (const IdForm form : {IdForm::short_form, IdForm::long_form}) {
    Spool spool;
    const auto incoming = spool.incoming(form);
    auto file = incoming->create();
    REQUIRE(file);
    const QueueId id = file->id();
    const std::string path = spool.layout.path(Queue::incoming, id);
    CHECK(mode_of(path) == queue::mode_incomplete);
    write_message(*file, {"a@example.com", "b@example.com"}, std::string("nul\0and\rcr", 10));
    file->set_queue_flags(8);
    {
      const Fd other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
      CHECK(queue::is_locked(other));
      CHECK_FALSE(queue::lock_file(other));
    }
    const auto committed = std::move(*file).commit();
    REQUIRE(committed);
    CHECK(*committed == id);
    CHECK(mode_of(path) == queue::mode_complete);
    const Fd reader(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    struct stat status {};
    REQUIRE(fstat(reader.get(), &status) == 0);
    CHECK(id.inode() == status.st_ino);
    CHECK_FALSE(queue::is_locked(reader));
    const auto message = queue::read_message(reader.get(), queue::Wanted::todo, 10);
    REQUIRE(message);
    CHECK(message->recipient_count == 2);
    CHECK(message->queue_flags == 8);
    CHECK(message->data_size == message->content_size);
    CHECK(message->encoding == "8bit");
    queue::ContentReader content(reader.get(), message->data_offset);
    CHECK((*content.next())->text == "Subject: x");
    CHECK((*content.next())->text.empty());
    CHECK((*content.next())->text == std::string_view("nul\0and\rcr", 10));
    CHECK_FALSE(*content.next());
    queue::RecordReader raw(reader.get());
    CHECK(raw.next()->data == "             26             198               2               8              26               0");
  }
}

TEST_CASE("a large message is written as it comes and its numbers filled in afterwards") {
  Spool spool;
  const auto incoming = spool.incoming();
  auto file = incoming->create();
  REQUIRE(file);
  std::vector<std::string> recipients;
  for (int i = 0; i < 100'000; ++i) recipients.push_back("r" + std::to_string(i) + "@example.com");
  write_message(*file, recipients, std::string(300'000, 'x'));
  const auto id = std::move(*file).commit();
  REQUIRE(id);
  const Fd reader(::open(spool.layout.path(Queue::incoming, *id).c_str(), O_RDONLY | O_CLOEXEC));
  const auto message = queue::read_message(reader.get(), queue::Wanted::todo, 20'000);
  REQUIRE(message);
  CHECK(message->recipient_count == 100'000);
  CHECK(message->recipients.size() == 20'000);
  std::size_t seen = message->recipients.size();
  std::string last;
  for (std::int64_t more = message->more_recipients; more != 0;) {
    const auto batch = queue::read_recipients(reader.get(), more, queue::Wanted::todo, 20'000);
    REQUIRE(batch);
    seen += batch->recipients.size();
    last = batch->recipients.back().address;
    more = batch->more;
  }
  CHECK(seen == 100'000);
  CHECK(last == "r99999@example.com");
}

TEST_CASE("an abandoned message leaves nothing") {
  Spool spool;
  const auto incoming = spool.incoming();
  {
    auto file = incoming->create();
    REQUIRE(file);
    write_message(*file, {"a@example.com"}, "body");
    CHECK(spool.files(Queue::incoming) == 1);
  }
  CHECK(spool.files(Queue::incoming) == 0);
}

TEST_CASE("an id that a message elsewhere in the queue has is not given again") {
  Spool spool;
  const auto incoming = spool.incoming();
  std::string first;
  {
    auto file = incoming->create();
    REQUIRE(file);
    first = file->id().text();
  }
  // The next file may get the same inode: its id must differ, whatever queue the old name is in.
  for (const Queue queue : {Queue::active, Queue::deferred, Queue::hold}) {
    const QueueId taken = *QueueId::parse(first);
    REQUIRE(spool.layout.make_directories(queue, taken));
    std::ofstream(spool.layout.path(queue, taken)) << "adopted";
    auto file = incoming->create();
    REQUIRE(file);
    CHECK(file->id() != taken);
    REQUIRE(spool.layout.remove(queue, taken));
  }
}

TEST_CASE("a message on hold is committed into hold") {
  Spool spool;
  const auto incoming = spool.incoming();
  auto file = incoming->create();
  REQUIRE(file);
  write_message(*file, {"a@example.com"}, "body");
  const auto id = std::move(*file).commit(queue::FirstQueue::hold);
  REQUIRE(id);
  CHECK(spool.files(Queue::incoming) == 0);
  CHECK(mode_of(spool.layout.path(Queue::hold, *id)) == queue::mode_complete);
}

TEST_CASE("what a dead process has left is on disk when it is complete, and gone when it is not") {
  Spool spool;
  const auto incoming = spool.incoming();
  auto file = incoming->create();
  REQUIRE(file);
  write_message(*file, {"a@example.com"}, "body");
  const QueueId id = file->id();
  const auto of_living = incoming->recover(id);
  REQUIRE_FALSE(of_living);
  CHECK(of_living.error().code() == EAGAIN);
  REQUIRE(std::move(*file).commit());
  for (const auto& [from, to] : {std::pair(Queue::incoming, Queue::active), std::pair(Queue::active, Queue::deferred)}) {
    CHECK(incoming->recover(id).value());
    REQUIRE(spool.layout.move(id, from, to));
  }
  CHECK(incoming->recover(id).value());
  REQUIRE(spool.layout.remove(Queue::deferred, id));
  CHECK_FALSE(incoming->recover(id).value());

  std::ofstream(spool.layout.path(Queue::incoming, id)) << "half";
  REQUIRE(chmod(spool.layout.path(Queue::incoming, id).c_str(), queue::mode_incomplete) == 0);
  CHECK_FALSE(incoming->recover(id).value());
  CHECK_FALSE(spool.layout.exists(Queue::incoming, id));
}

TEST_CASE("messages move between queues, into hashed directories that are made on demand, and over nothing") {
  Spool spool;
  const auto incoming = spool.incoming();
  auto file = incoming->create();
  REQUIRE(file);
  write_message(*file, {"a@example.com"}, "body");
  const auto id = std::move(*file).commit();
  REQUIRE(id);
  REQUIRE(spool.layout.move(*id, Queue::incoming, Queue::active));
  REQUIRE(spool.layout.move(*id, Queue::active, Queue::deferred));
  CHECK(spool.layout.exists(Queue::deferred, *id));
  CHECK(mode_of(spool.layout.directory(Queue::deferred) + id->text()[0]) == 0700);
  CHECK(spool.layout.move(*id, Queue::active, Queue::hold).error().code() == ENOENT);
  std::ofstream(spool.layout.path(Queue::active, *id)) << "another";
  CHECK(spool.layout.move(*id, Queue::deferred, Queue::active).error().code() == EEXIST);
  CHECK(contents(spool.layout.path(Queue::active, *id)) == "another");
  REQUIRE(queue::set_aside(spool.layout, Queue::deferred, *id));
  CHECK(mode_of(spool.layout.path(Queue::corrupt, *id)) == queue::mode_corrupt);
  REQUIRE(spool.layout.remove(Queue::corrupt, *id));
  CHECK(spool.layout.remove(Queue::corrupt, *id));
}

TEST_CASE("pointers that run in a circle are an error") {
  testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "loop";
  std::string bytes;
  queue::append_record(bytes, RecordType::time, "1 1");
  queue::append_record(bytes, RecordType::pointer, "              0");
  queue::append_record(bytes, RecordType::sender, "a");
  queue::append_record(bytes, RecordType::pointer, "              5");
  std::ofstream(path) << bytes;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto message = queue::read_message(file.get(), queue::Wanted::todo, 10);
  REQUIRE_FALSE(message);
  CHECK(message.error().message() == "pointer records run in a circle");
}

TEST_CASE("records of claimed length beyond the limit are refused before memory is used for them") {
  testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "long";
  for (const std::string_view head : {"N\xff\xff\xff\x7f", "N\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "N\x80\x80\x80\x80\x80\x01"}) {
    std::ofstream(path, std::ios::trunc) << head;
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    CHECK_FALSE(queue::RecordReader(file.get()).next());
  }
}

TEST_CASE("a status is appended and read back, on one line whatever it holds") {
  Spool spool;
  const QueueId id = *QueueId::parse("0B5EF08C41");
  REQUIRE(queue::append_status(spool.layout, Queue::bounce, id, failure("x y@example.com"), queue::Durability::disk));
  REQUIRE(queue::append_status(spool.layout, Queue::defer, id, failure("z@example.com"), queue::Durability::none));
  REQUIRE(queue::append_status(spool.layout, Queue::defer, id, failure("z2@example.com"), queue::Durability::none));
  CHECK(contents(spool.layout.path(Queue::bounce, id)) ==
        "\n<\"x y\"@example.com>: host said??no\nrecipient=\"x y\"@example.com\noriginal_recipient=list@example.com\n"
        "offset=701\nstatus=5.1.1\naction=failed\ndiag_type=smtp\ndiag_text=550 5.1.1 unknown\nmta_type=dns\n"
        "mta_mname=mx.example.com\nreason=host said??no\n\n");
  CHECK(mode_of(spool.layout.path(Queue::defer, id)) == queue::mode_log);
  auto reader = queue::LogReader::open(spool.layout, Queue::defer, id);
  REQUIRE(reader);
  REQUIRE(*reader);
  CHECK((*(*reader)->next())->recipient == "z@example.com");
  const auto second = (*reader)->next();
  CHECK((*second)->recipient == "z2@example.com");
  CHECK((*second)->mta_mname == "mx.example.com");
  CHECK_FALSE(*(*reader)->next());
  CHECK_FALSE(*queue::LogReader::open(spool.layout, Queue::trace, id));
}

TEST_CASE("an old, torn or strange log is read as far as it says something") {
  testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "log";
  std::ofstream(path) << "\n<\"a b\"@old.example>: mail is gone\n\n\ngarbage\n\nrecipient=b@x\noffset=-1\nnew_name=v\n\n"
                      << std::string(200'000, 'r') << "\n\nrecipient=c@x\nstatus=4.0.0\nreason=to";
  queue::LogReader reader{Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
  const auto old = reader.next();
  CHECK((*old)->recipient == "a b@old.example");
  CHECK((*old)->reason == "mail is gone");
  const auto strange = reader.next();
  CHECK((*strange)->recipient == "b@x");
  CHECK((*strange)->offset == 0);
  const auto torn = reader.next();
  CHECK((*torn)->recipient == "c@x");
  CHECK((*torn)->reason == "to");
  CHECK_FALSE(*reader.next());
}
