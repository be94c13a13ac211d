#include "lib/delivery/content.h"
#include "lib/delivery/recorder.h"
#include "lib/log/lines.h"
#include "lib/queue/message.h"
#include "lib/queue/record.h"

#include <sys/mman.h>
#include <unistd.h>

#include "lib/testing/delivery_request.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using delivery::Delivery;
using delivery::Recorder;
using delivery::Status;
using delivery::StatusLog;

namespace {

class FakeSink : public delivery::StatusSink {
 public:
  bool append(StatusLog log, const ipc::BounceRequest& request) override {
    entries.emplace_back(log, request);
    return works;
  }
  Told probed(const std::string& address, ipc::VerifyState state, const std::string& reason) override {
    probes.push_back(address + " " + std::to_string(static_cast<int>(state)) + " " + reason);
    return works ? Told::yes : Told::no;
  }
  void waits(const std::string& queue_id, const std::string& site) override { waiting.push_back(queue_id + " " + site); }
  std::vector<std::pair<StatusLog, ipc::BounceRequest>> entries;
  std::vector<std::string> waiting, probes;
  bool works = true;
};

// A request for `addresses`, with their records in a file.
struct Fixture {
  ipc::DeliveryRequest request;
  FakeSink sink;
  base::Clock clock;
  explicit Fixture(const std::vector<std::string>& addresses, std::string_view content = "")
      : request(testing::delivery_request(addresses, content)) {}
  Recorder recorder(delivery::RecorderSettings settings = {}) { return Recorder(request, sink, clock, settings); }
  [[nodiscard]] char mark(std::size_t i) const {
    char type = 0;
    REQUIRE(pread(request.file.get(), &type, 1, request.recipients[i].offset) == 1);
    return type;
  }
};

Delivery outcome(Status status, mail::Dsn dsn, std::string reason) {
  Delivery delivery;
  delivery.status = status;
  delivery.dsn = dsn;
  delivery.relay = "local";
  delivery.reason = std::move(reason);
  return delivery;
}

const Delivery sent = outcome(Status::sent, {2, 0, 0}, "delivered to mailbox");
const Delivery bounced = outcome(Status::bounced, {5, 1, 1}, "unknown user");
const Delivery deferred = outcome(Status::deferred, {4, 2, 0}, "try later");

}  // namespace

TEST_CASE("delays have two significant digits") {
  const struct {
    std::chrono::microseconds span;
    int decimals;
    const char* text;
  } table[] = {
      {0us, 2, "0"},         {-5s, 2, "0"},        {4000us, 2, "0"},      {5000us, 2, "0.01"},   {49000us, 2, "0.05"},
      {140ms, 2, "0.14"},    {100ms, 2, "0.1"},    {994ms, 2, "0.99"},    {996ms, 2, "1"},       {1s, 2, "1"},
      {1240ms, 2, "1.2"},    {9960ms, 2, "10"},    {12s, 2, "12"},        {12700ms, 2, "13"},    {596290ms, 2, "596"},
      {1240ms, 0, "1"},      {123456us, 6, "0.12"}, {123us, 6, "0.00012"}, {86400s, 2, "86400"},
  };
  for (const auto& row : table) CHECK(maillog::delay_text(row.span, row.decimals) == row.text);
}

TEST_CASE("the delivery line is Postfix's") {
  maillog::DeliveryLine line{
      .queue_id = "18AA51407", .recipient = "later@sink.test", .original = "", .relay = "127.77.80.250[127.77.80.250]:2599",
      .connection_use = 2, .delay = 100ms, .delays = {10ms, 0us, 30ms, 60ms}, .decimals = 2, .dsn = "4.2.0",
      .status = "undeliverable", .reason = "host said: 450"};
  CHECK(maillog::text(line) ==
        "18AA51407: to=<later@sink.test>, relay=127.77.80.250[127.77.80.250]:2599, conn_use=2, delay=0.1, "
        "delays=0.01/0/0.03/0.06, dsn=4.2.0, status=undeliverable (host said: 450)");
  line.connection_use = 1;
  line.original = "LATER@sink.test";
  line.relay = "none";
  CHECK(maillog::text(line).starts_with("18AA51407: to=<later@sink.test>, relay=none, delay=0.1, "));
  line.original = "alice";
  CHECK(maillog::text(line).starts_with("18AA51407: to=<later@sink.test>, orig_to=<alice>, relay=none, delay=0.1, "));
}

TEST_CASE("a recipient that is delivered is marked, and appears in no log unless its sender asked") {
  Fixture f({"a@x", "b@x", "c@x"});
  f.request.recipients[1].notify = 2;
  f.request.recipients[2].notify = 2;
  Recorder recorder = f.recorder();
  CHECK(recorder.record(f.request.recipients[0], sent) == Status::sent);
  CHECK(f.sink.entries.empty());
  CHECK_FALSE(recorder.answer().all_done);
  CHECK(recorder.record(f.request.recipients[1], sent) == Status::sent);
  REQUIRE(f.sink.entries.size() == 1);
  CHECK(f.sink.entries[0].first == StatusLog::trace);
  CHECK(f.sink.entries[0].second.recipient.action == "delivered");
  CHECK(f.sink.entries[0].second.recipient.reason == "delivery via local: delivered to mailbox");
  Delivery passed_on = sent;
  passed_on.notify_passed_on = true;
  CHECK(recorder.record(f.request.recipients[2], passed_on) == Status::sent);
  CHECK(f.sink.entries.size() == 1);
  for (std::size_t i = 0; i < 3; ++i) CHECK(f.mark(i) == 'D');
  CHECK(recorder.answer().all_done);
}

TEST_CASE("what is deferred waits for its site, which is told once") {
  Fixture f({"a@Site.x", "b@site.X", "c@other", "d"});
  Recorder recorder = f.recorder();
  for (const auto& recipient : f.request.recipients) CHECK(recorder.record(recipient, deferred) == Status::deferred);
  CHECK((f.sink.waiting == std::vector<std::string>{"0B5EF08C41 site.x", "0B5EF08C41 other"}));
  CHECK(recorder.record(f.request.recipients[0], sent) == Status::sent);
  CHECK(f.sink.waiting.size() == 2);
}

TEST_CASE("a failure is marked only when bounce has promised to keep it") {
  Fixture f({"a@x"});
  CHECK(f.recorder().record(f.request.recipients[0], bounced) == Status::bounced);
  CHECK(f.sink.entries.at(0).first == StatusLog::bounce);
  CHECK(f.sink.entries[0].second.recipient.status == "5.1.1");
  CHECK(f.sink.entries[0].second.recipient.action == "failed");
  CHECK(f.sink.entries[0].second.recipient.original_recipient == "a@x");
  CHECK(f.mark(0) == 'D');

  Fixture g({"a@x"});
  g.sink.works = false;
  Recorder recorder = g.recorder();
  CHECK(recorder.record(g.request.recipients[0], bounced) == Status::deferred);
  CHECK(g.mark(0) == 'R');
  CHECK_FALSE(recorder.answer().all_done);
  CHECK(g.sink.entries.back().first == StatusLog::defer);
  CHECK(g.sink.entries.back().second.recipient.status == "4.3.0");
}

TEST_CASE("soft_bounce keeps failures in the queue") {
  Fixture f({"a@x"});
  CHECK(f.recorder({.soft_bounce = true}).record(f.request.recipients[0], bounced) == Status::deferred);
  CHECK(f.sink.entries.at(0).first == StatusLog::defer);
  CHECK(f.sink.entries[0].second.recipient.status == "4.1.1");
  CHECK(f.mark(0) == 'R');
}

TEST_CASE("sendmail -v reports each recipient, -bv delivers none and is done with all") {
  Fixture f({"a@x", "b@x", "c@x"});
  f.request.success_trace = true;
  Recorder recorder = f.recorder();
  recorder.record(f.request.recipients[0], sent);
  recorder.record(f.request.recipients[1], bounced);
  recorder.record(f.request.recipients[2], deferred);
  std::vector<std::string> actions;
  for (const auto& [log, request] : f.sink.entries) {
    if (log == StatusLog::trace) actions.push_back(request.recipient.action + ": " + request.recipient.reason);
  }
  CHECK(actions == std::vector<std::string>{"delivered: delivery via local: delivered to mailbox",
                                            "failed: delivery via local: unknown user",
                                            "delayed: delivery via local: try later"});
  CHECK(f.mark(2) == 'R');

  Fixture g({"a@x", "b@x"});
  g.request.verify_only = true;
  Recorder verifier = g.recorder();
  verifier.record(g.request.recipients[0], sent);
  verifier.record(g.request.recipients[1], deferred);
  CHECK(g.sink.entries.at(0).second.recipient.action == "deliverable");
  CHECK(g.sink.entries.at(1).second.recipient.action == "undeliverable");
  CHECK(verifier.answer().all_done);
}

TEST_CASE("verify hears of a probe what would have become of it, and nobody else") {
  Fixture f({"a@x", "b@x", "c@x"});
  f.request.probe = f.request.verify_only = true;
  f.request.recipients[0].original = "alias@x";
  Recorder recorder = f.recorder();
  recorder.record(f.request.recipients[0], sent);
  recorder.record(f.request.recipients[1], bounced);
  recorder.record(f.request.recipients[2], deferred);
  CHECK(f.sink.probes == std::vector<std::string>{"alias@x 0 delivered to mailbox", "a@x 0 delivered to mailbox", "b@x 2 unknown user", "c@x 1 try later"});
  CHECK(f.sink.entries.empty());
  CHECK(recorder.answer().all_done);

  // Without verify it stays in the queue.
  Fixture g({"a@x"});
  g.request.probe = g.request.verify_only = true;
  g.sink.works = false;
  Recorder untold = g.recorder();
  CHECK(untold.record(g.request.recipients[0], bounced) == Status::deferred);
  CHECK(g.mark(0) == 'R');
}

TEST_CASE("a delivery in several steps is reported step by step and marked once") {
  Fixture f({"list@x"});
  Recorder recorder = f.recorder();
  ipc::DeliveryRecipient member = f.request.recipients[0];
  member.address = "member@x";
  member.original = "list@x";
  CHECK(recorder.report(member, sent) == Status::sent);
  CHECK(f.mark(0) == 'R');
  recorder.complete(f.request.recipients[0]);
  CHECK(f.mark(0) == 'D');
}

TEST_CASE("content is copied with LF line ends, long lines in one, From lines quoted where asked") {
  std::string content;
  queue::append_record(content, queue::RecordType::normal, "Subject: x");
  queue::append_record(content, queue::RecordType::normal, "");
  queue::append_record(content, queue::RecordType::normal, "From here");
  queue::append_record(content, queue::RecordType::continued, std::string(2048, 'y'));
  queue::append_record(content, queue::RecordType::normal, "From within");
  queue::append_record(content, queue::RecordType::normal, std::string_view("a\0b\r", 4));
  Fixture f({"a@x"}, content);
  const auto copy = [&](delivery::FromLines from_lines) {
    std::string out;
    const auto result = delivery::copy_content(f.request, from_lines, [&](std::string_view bytes) -> Result<void> {
      out += bytes;
      return {};
    });
    REQUIRE(result);
    CHECK(result->bytes == static_cast<std::int64_t>(out.size()));
    CHECK(result->ends_with_newline);
    return out;
  };
  const std::string rest = std::string(2048, 'y') + "From within\n" + std::string("a\0b\r\n", 5);
  CHECK(copy(delivery::FromLines::keep) == "Subject: x\n\nFrom here\n" + rest);
  CHECK(copy(delivery::FromLines::quote) == "Subject: x\n\n>From here\n" + rest);
  CHECK_FALSE(delivery::copy_content(f.request, delivery::FromLines::keep,
                                     [](std::string_view) -> Result<void> { return base::fail("full"); }));
}

TEST_CASE("the headers of a final delivery are one line each, whatever the addresses hold") {
  CHECK(delivery::text({.return_path = "", .original = "", .delivered_to = ""}) == "Return-Path: <>\n");
  CHECK(delivery::text({.return_path = "a b@x", .original = "c@d", .delivered_to = "e\nEvil: x@f"}) ==
        "Return-Path: <\"a b\"@x>\nX-Original-To: c@d\nDelivered-To: \"e\\?Evil: x\"@f\n");
}

TEST_CASE("a deferral for trouble of our own tells qmgr when the file is damaged") {
  std::string line;
  queue::append_record(line, queue::RecordType::normal, "text");
  struct {
    std::string content;
    mail::Dsn dsn;
    bool damaged;
  } const rows[] = {{line, {4, 3, 0}, false}, {line + "?", {4, 3, 0}, true}, {line + "?", {4, 4, 1}, false}};
  for (const auto& row : rows) {
    Fixture f({"a@b.test"}, row.content);
    Recorder recorder = f.recorder();
    Delivery delivery;
    delivery.status = Status::deferred;
    delivery.dsn = row.dsn;
    CHECK(recorder.record(f.request.recipients[0], delivery, {}) == Status::deferred);
    CHECK(recorder.answer().file_damaged == row.damaged);
  }
}
