// A queue that Debian's Postfix left (test/data/queue-sample.tar.gz) is understood to the last byte.

#include <cstdlib>
#include <fstream>
#include <map>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/queue/content.h"
#include "lib/queue/log_file.h"
#include "lib/queue/message.h"
#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

namespace {

struct Facts {
  std::string path, sender;
  std::vector<std::string> recipients, attributes;
  std::map<char, std::string> records;
  std::string content_size, content_sha256;
};

std::string data_path(const std::string& name) {
  const char* source = std::getenv("srcdir");
  return std::string(source != nullptr ? source : "..") + "/test/data/" + name;
}

std::vector<Facts> read_facts() {
  std::vector<Facts> all;
  std::ifstream in(data_path("queue-sample.facts"));
  REQUIRE(in);
  for (std::string line; std::getline(in, line);) {
    const std::size_t space = line.find(' ');
    const std::string key = line.substr(0, space);
    const std::string value = space == std::string::npos ? "" : line.substr(space + 1);
    if (key == "message") all.push_back(Facts{.path = value, .sender = {}, .recipients = {}, .attributes = {}, .records = {}, .content_size = {}, .content_sha256 = {}});
    Facts& facts = all.back();
    if (key == "sender") facts.sender = value;
    if (key == "recipient") facts.recipients.push_back(value);
    if (key == "attribute") facts.attributes.push_back(value);
    if (key == "record") facts.records[value[0]] = value.substr(2);
    if (key == "content") {
      facts.content_size = value.substr(0, value.find(' '));
      facts.content_sha256 = value.substr(value.find(' ') + 1);
    }
  }
  return all;
}

std::string_view state_name(queue::RecipientState state) {
  switch (state) {
    case queue::RecipientState::todo: return "todo";
    case queue::RecipientState::done: return "done";
    case queue::RecipientState::cancelled: return "canceled";
  }
  return {};
}

std::vector<std::string> recipient_lines(const std::vector<queue::Recipient>& recipients) {
  std::vector<std::string> lines;
  for (const queue::Recipient& r : recipients) {
    lines.push_back(fmt::format("{} {} {}\t{}\t{}", state_name(r.state), r.notify, r.address, r.original, r.dsn_original));
  }
  return lines;
}

Fd open_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  INFO(path);
  REQUIRE(fd);
  return fd;
}

std::string content_of(int fd, std::int64_t data_offset) {
  queue::ContentReader reader(fd, data_offset);
  std::string out;
  for (;;) {
    const auto line = reader.next();
    REQUIRE(line);
    if (!*line) return out;
    out += (*line)->text;
    if (!(*line)->continued) out += '\n';
  }
}

// The sample, unpacked for one test.
struct Sample {
  testing::TemporaryDirectory directory;
  std::string spool = directory.path() + "spool/";
  Sample() {
    REQUIRE(std::system(fmt::format("tar xzf {} -C {} --no-same-owner", data_path("queue-sample.tar.gz"), directory.path()).c_str()) == 0);
  }
};

}  // namespace

TEST_CASE("every message of the sample queue is parsed to the facts of its manifest") {
  const Sample sample;
  const std::string out = sample.directory.path() + "content/";
  std::filesystem::create_directory(out);
  std::ofstream sums(sample.directory.path() + "sums");
  const std::vector<Facts> all = read_facts();
  CHECK(all.size() == 51);
  int number = 0;
  for (const Facts& facts : all) {
    INFO(facts.path);
    const Fd file = open_file(sample.spool + facts.path);
    const auto message = queue::read_message(file.get(), queue::Wanted::all, 1000);
    if (!message) FAIL(message.error().message());
    CHECK(message->sender == facts.sender);
    CHECK(recipient_lines(message->recipients) == facts.recipients);
    CHECK(message->more_recipients == 0);
    std::vector<std::string> attributes;
    for (const auto& [name, value] : message->attributes) attributes.push_back(name + '=' + value);
    CHECK(attributes == facts.attributes);
    for (const auto& [letter, data] : facts.records) {
      using std::chrono::microseconds;
      if (letter == 'T') {
        const auto usec = std::chrono::duration_cast<microseconds>(message->arrived.time_since_epoch()).count();
        CHECK(fmt::format("{} {}", usec / 1'000'000, usec % 1'000'000) == data);
      }
      if (letter == 'C') {
        CHECK(fmt::format("{:15} {:15} {:15} {:15} {:15} {:15}", message->content_size, message->data_offset,
                          message->recipient_count, message->queue_flags, message->data_size, message->send_options) == data);
      }
      if (letter == 'W') {
        REQUIRE(message->warn_time);
        CHECK(fmt::format("{:15}", std::chrono::system_clock::to_time_t(*message->warn_time)) == data);
      }
      if (letter == 'F') CHECK(message->fullname == data);
      if (letter == 'L') CHECK(message->filter == data);
      if (letter == '>') CHECK(message->redirect == data);
      if (letter == 'V') CHECK(message->verp == data);
    }
    const std::string content = content_of(file.get(), message->data_offset);
    CHECK(std::to_string(content.size()) == facts.content_size);
    const std::string name = out + std::to_string(number++);
    std::ofstream(name, std::ios::binary) << content;
    sums << facts.content_sha256 << "  " << name << '\n';
  }
  sums.close();
  CHECK(std::system(fmt::format("sha256sum --quiet -c {}sums", sample.directory.path()).c_str()) == 0);
}

TEST_CASE("recipients are read in batches, without gaps and without repetition") {
  const Sample sample;
  for (const Facts& facts : read_facts()) {
    INFO(facts.path);
    const Fd file = open_file(sample.spool + facts.path);
    for (const std::size_t limit : {1U, 2U, 7U}) {
      const auto message = queue::read_message(file.get(), queue::Wanted::all, limit);
      REQUIRE(message);
      std::vector<std::string> lines = recipient_lines(message->recipients);
      for (std::int64_t more = message->more_recipients; more != 0;) {
        const auto batch = queue::read_recipients(file.get(), more, queue::Wanted::all, limit);
        REQUIRE(batch);
        REQUIRE(batch->recipients.size() <= limit);
        for (std::string& line : recipient_lines(batch->recipients)) lines.push_back(std::move(line));
        more = batch->more;
      }
      CHECK(lines == facts.recipients);
    }
  }
}

TEST_CASE("a recipient is marked as done in place and no more") {
  const Sample sample;
  const Fd file = open_file(sample.spool + "deferred/2/2DF0753CA0");
  const auto before = queue::read_message(file.get(), queue::Wanted::todo, 1000);
  REQUIRE(before);
  REQUIRE(before->recipients.size() == 120);
  REQUIRE(queue::mark_done(file.get(), before->recipients[17].offset));
  REQUIRE(queue::mark_done(file.get(), before->recipients[17].offset));
  CHECK_FALSE(queue::mark_done(file.get(), before->recipients[17].offset + 1));
  CHECK_FALSE(queue::mark_done(file.get(), 1'000'000));
  REQUIRE(queue::clear_warn_time(file.get(), before->warn_offset));
  CHECK_FALSE(queue::clear_warn_time(file.get(), 0));
  const auto after = queue::read_message(file.get(), queue::Wanted::todo, 1000);
  REQUIRE(after);
  CHECK(after->recipients.size() == 119);
  CHECK(before->warn_time);
  CHECK_FALSE(after->warn_time);
}

TEST_CASE("the logs of the sample queue are read, and written as they were") {
  const Sample sample;
  const queue::Layout layout(sample.spool, "deferred, defer", 1);
  int recipients = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sample.spool)) {
    const auto id = queue::QueueId::parse(entry.path().filename().string());
    const auto log = queue::find_queue(entry.path().lexically_relative(sample.spool).begin()->string());
    if (!entry.is_regular_file() || !id || !log) continue;
    if (*log != queue::Queue::defer && *log != queue::Queue::bounce && *log != queue::Queue::trace) continue;
    INFO(entry.path());
    CHECK(layout.path(*log, *id) == entry.path());
    const auto reader = queue::LogReader::open(layout, *log, *id);
    REQUIRE(reader);
    REQUIRE(*reader);
    queue::LogReader lines = std::move(const_cast<std::optional<queue::LogReader>&>(*reader).value());
    std::string written;
    for (;;) {
      const auto status = lines.next();
      REQUIRE(status);
      if (!*status) break;
      ++recipients;
      CHECK((*status)->offset > 0);
      CHECK_FALSE((*status)->status.empty());
      written += queue::status_text(**status);
    }
    std::ifstream file(entry.path(), std::ios::binary);
    CHECK(written == std::string(std::istreambuf_iterator<char>(file), {}));
  }
  CHECK(recipients > 150);
}

TEST_CASE("a damaged queue file is an error or another message, never a crash or a part of the content") {
  const Sample sample;
  for (const char* path : {"deferred/7/741BC53CBC", "active/013D353D08", "maildrop/1575553D38", "deferred/2/2BB8553CE0"}) {
    INFO(path);
    std::ifstream in(sample.spool + path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const Fd file(memfd_create("copy", MFD_CLOEXEC));
    const auto read = [&](std::string_view damaged) {
      REQUIRE(ftruncate(file.get(), 0) == 0);
      REQUIRE(pwrite(file.get(), damaged.data(), damaged.size(), 0) == static_cast<ssize_t>(damaged.size()));
      auto message = queue::read_message(file.get(), queue::Wanted::all, 3);
      if (!message) return false;
      for (std::int64_t more = message->more_recipients; more != 0;) {
        const auto batch = queue::read_recipients(file.get(), more, queue::Wanted::all, 3);
        if (!batch) return false;
        more = batch->more;
      }
      queue::ContentReader reader(file.get(), message->data_offset);
      for (;;) {
        const auto line = reader.next();
        if (!line) return false;
        if (!*line) return true;
      }
    };
    CHECK(read(bytes));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      INFO(size);
      // An edited file ends with records that stand after its E record, so each cut is noticed there too.
      CHECK_FALSE(read(std::string_view(bytes).substr(0, size)));
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const int mask : {0x01, 0x20, 0x80, 0xff}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ mask);
        static_cast<void>(read(damaged));
      }
    }
  }
}
