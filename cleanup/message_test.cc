#include "cleanup/message.h"

#include <random>

#include "cleanup/fake_addresses.h"

#include "lib/testing/catch.h"

namespace cleanup {
namespace {

using ipc::CleanupFlags;
using ipc::CleanupStatus;
using queue::RecordType;
using Strings = std::vector<std::string>;

const Stamp created{std::chrono::seconds(1795502658)};

struct Case {
  explicit Case(CleanupFlags flags = CleanupFlags::filter | CleanupFlags::map) : flags_(flags) {}

  // Records as letter and data, up to and with E.
  CleanupStatus run(const Strings& records) {
    policy.myhostname = "mail.example.test";
    message = std::make_unique<Message>(addresses, policy, output, Message::Identity{"75C78483", created, flags_});
    for (const std::string& record : records) {
      if (message->is_finished()) break;
      message->take(static_cast<RecordType>(record.front()), std::string_view(record).substr(1));
    }
    CHECK(message->is_finished());
    return message->status();
  }
  [[nodiscard]] Strings envelope() const {
    Strings out;
    for (const std::string& record : output.records) {
      if (record == "M") break;
      out.push_back(record);
    }
    return out;
  }

  Policy policy;
  FakeAddresses addresses;
  FakeOutput output;
  std::unique_ptr<Message> message;

 private:
  CleanupFlags flags_;
};

const Strings content{"M", "NReceived: t", "N", "Nb", "X"};

Strings join(const Strings& a, const Strings& b = {}, const Strings& c = {"E"}) {
  Strings out = a;
  out.insert(out.end(), b.begin(), b.end());
  out.insert(out.end(), c.begin(), c.end());
  return out;
}

const std::string T = "T1795489839 30229", A = "Arewrite_context=local", S = "Sbob", R = "Ralice@example.test";

}  // namespace

TEST_CASE("the envelope is written as Postfix writes it") {
  Case test;
  test.addresses.table["two@va.test"] = "a1@x.test, b1@x.test";
  CHECK(test.run(join({T, A, "FBob", S, R, "Rtwo@va.test"}, content)) == CleanupStatus::ok);
  CHECK_THAT(test.envelope(),
             Catch::Equals(Strings{T, "Acreate_time=1795502658", A, "FBob", "Sbob@example.test",
                                   "Adsn_orig_rcpt=rfc822;alice@example.test", "Oalice@example.test", R,
                                   "Adsn_orig_rcpt=rfc822;two@va.test", "Otwo@va.test", "Ra1@x.test",
                                   "Adsn_orig_rcpt=rfc822;two@va.test", "Otwo@va.test", "Rb1@x.test"}));
  CHECK(test.output.types() == "TAAFSAORAORAORMNNNNNNXA");
  CHECK(test.output.records.back() == "Amessage_id=<20261124064418.75C78483@mail.example.test>");
  CHECK(test.message->queue_flags() == 0);
}

TEST_CASE("each record is taken, dropped or refused as Postfix does") {
  struct Row {
    const char* name;
    Strings records;
    CleanupStatus status;
    const char* types;
  };
  const auto ok = CleanupStatus::ok, bad = CleanupStatus::bad;
  const std::vector<Row> rows{
      {"no time", join({A, S, R}, content), bad, ""},
      {"time after the sender", join({A, S, T, R}, content), ok, "ASTAAORMNNNNNNXA"},
      {"no sender", join({T, A, R}, content), bad, ""},
      {"sender after a recipient", join({T, A, R, S}, content), bad, ""},
      {"two senders", join({T, A, S, S, R}, content), bad, ""},
      {"no recipient", join({T, A, S}, content), CleanupStatus::recipients, ""},
      {"extracted recipient", join({T, A, S}, content, {R, "E"}), ok, "TAASMNNNNNNXAAOR"},
      {"both", join({T, A, S, R}, content, {"Rb@x", "E"}), ok, "TAASAORMNNNNNNXAAOR"},
      {"attribute without =", join({T, "Afoo", S, R}, content), bad, ""},
      {"attribute without name", join({T, "A=a", S, R}, content), bad, ""},
      {"attribute without value", join({T, A, "Aa=", S, R}, content), ok, "TAASAORMNNNNNNXA"},
      {"unknown attribute", join({T, A, "Afoo=bar", S, R}, content), ok, "TAAASAORMNNNNNNXA"},
      {"attribute after a recipient", join({T, A, S, R, "Afoo=bar"}, content), ok, "TAASAORAMNNNNNNXA"},
      {"bad context", join({T, "Arewrite_context=weird", S, R}, content), bad, ""},
      {"content in the envelope", join({T, A, S, R, "Nx"}, content), bad, ""},
      {"end in the envelope", {T, A, S, R, "E"}, bad, ""},
      {"end in the content", {T, A, S, R, "M", "NReceived: x", "E"}, bad, ""},
      {"size record", join({"C1", T, A, S, R}, content), ok, "TAASAORMNNNNNNXA"},
      {"filter", join({T, A, "Lsmtp:foo", S, R}, content), ok, "TAALSAORMNNNNNNXA"},
      {"redirect", join({T, A, ">x@y", S, R}, content), ok, "TAA>SAORMNNNNNNXA"},
      {"done recipient", join({T, A, S, "Dx@y", R}, content), ok, "TAASAORMNNNNNNXA"},
      {"pointer", join({T, A, S, "p0", R}, content), bad, ""},
      {"milter records", join({T, A, S, "m3", R}, content), bad, ""},
      {"return receipt in the envelope", join({T, A, "ra", S, R}, content), bad, ""},
      {"return receipt extracted", join({T, A, S}, content, {R, "rx", "ey", "E"}), ok, "TAASMNNNNNNXAAORre"},
      {"content in the extracted part", join({T, A, S, R}, content, {"Nx", "E"}), bad, ""},
      {"unknown type", join({T, A, S, "za", R}, content), bad, ""},
      {"ENVID and RET records", join({T, A, "iabc", "<1", S, R}, content), ok, "TAAi<SAORMNNNNNNXA"},
      {"bad RET", join({T, A, "Aret_flags=9", S, R}, content), bad, ""},
      {"VERP before the sender", join({T, A, "V+=", S, R}, content), ok, "TAASAORMNNNNNNXA"},
      {"VERP", join({T, A, S, "V+=", R}, content), ok, "TAASVAORMNNNNNNXA"},
      {"no Received:", join({T, A, S, R}, {"M", "NSubject: x", "N", "X"}), bad, ""},
      {"line break in a recipient", join({T, A, S, "Ra\nb@c"}, content), bad, ""},
      {"NUL in a recipient", join({T, A, S, std::string("Ra\0b@c", 6)}, content), bad, ""},
      {"line break in a full name", join({T, A, "Fa\nBcc: x", S, R}, content), bad, ""},
      {"encoding", join({T, "Aencoding=8bit", S, R}, content), ok, "TAASAORMNNNNNNXAA"},
      {"malformed time", join({"Tfoo", S, R}, content), bad, ""},
  };
  for (const Row& row : rows) {
    Case test;
    INFO(row.name);
    CHECK(test.run(row.records) == row.status);
    if (row.status == ok) CHECK(test.output.types() == row.types);
  }
}

TEST_CASE("what the sender said about notices goes with each recipient") {
  Case test;
  test.addresses.table["two@va.test"] = "a1@x.test, b1@x.test";
  CHECK(test.run(join({T, S, "Adsn_orig_rcpt=rfc822;xx@y", "Anotify_flags=8", R, "Anotify_flags=2", "Rtwo@va.test",
                       "Anotify_flags=3", "Rplain@x", "Rq@r"},
                      content)) == CleanupStatus::ok);
  CHECK_THAT(test.envelope(),
             Catch::Equals(Strings{
                 T, "Acreate_time=1795502658", "Sbob@example.test",
                 "Anotify_flags=8", "Adsn_orig_rcpt=rfc822;xx@y", "Oalice@example.test", R,
                 "Anotify_flags=1", "Adsn_orig_rcpt=rfc822;two@va.test", "Otwo@va.test", "Ra1@x.test",
                 "Anotify_flags=1", "Adsn_orig_rcpt=rfc822;two@va.test", "Otwo@va.test", "Rb1@x.test",
                 "Adsn_orig_rcpt=rfc822;plain@x", "Oplain@x", "Rplain@x",
                 "Adsn_orig_rcpt=rfc822;q@r", "Oq@r", "Rq@r"}));
  CHECK(test.message->queue_flags() == (8 | 2) << 1);
  const auto expanded = test.message->take_expanded();
  REQUIRE(expanded.size() == 1);
  CHECK(expanded[0].recipient == "two@va.test");
  CHECK(expanded[0].notify == mail::notify::success);
}

TEST_CASE("a recipient is written once for each original address and each wish for notices") {
  Case test;
  CHECK(test.run(join({T, S, R, R, "RALICE@example.test", "Ralice", "Anotify_flags=1", R, "Oorig@x", R}, content)) ==
        CleanupStatus::ok);
  CHECK_THAT(test.output.of('O'), Catch::Equals(Strings{"alice@example.test", "alice", "alice@example.test", "orig@x"}));
  Case once;
  once.policy.enable_original_recipient = false;
  CHECK(once.run(join({T, S, R, "Ralice", "Oorig@x", R}, content)) == CleanupStatus::ok);
  CHECK(once.output.of('R').size() == 1);
}

TEST_CASE("a delay warning is due for senders that can be told") {
  Case test;
  test.policy.delay_warning_time = std::chrono::hours(1);
  CHECK(test.run(join({T, S, "Alog_client_name=x", R}, content)) == CleanupStatus::ok);
  CHECK(test.output.types() == "TASAWAORMNNNNNNXA");
  CHECK_THAT(test.output.of('W'), Catch::Equals(Strings{"     1795493439"}));
  Case null;
  null.policy.delay_warning_time = std::chrono::hours(1);
  CHECK(null.run(join({T, "S", R}, content)) == CleanupStatus::ok);
  CHECK(null.output.of('W').empty());
  Case given;
  given.policy.delay_warning_time = std::chrono::hours(1);
  CHECK(given.run(join({T, S, "W99", R}, content)) == CleanupStatus::ok);
  CHECK_THAT(given.output.of('W'), Catch::Equals(Strings{"99"}));
}

TEST_CASE("always_bcc comes last, without notices, and only for mail that is mapped") {
  Case test;
  test.policy.always_bcc = "bcc";
  CHECK(test.run(join({T, S, R}, content)) == CleanupStatus::ok);
  const Strings& got = test.output.records;
  REQUIRE(got.size() > 3);
  CHECK_THAT(Strings(got.end() - 3, got.end()),
             Catch::Equals(Strings{"Anotify_flags=1", "Obcc@example.test", "Rbcc@example.test"}));
  Case plain(CleanupFlags::none);
  plain.policy.always_bcc = "bcc";
  CHECK(plain.run(join({T, S, R}, content)) == CleanupStatus::ok);
  CHECK(plain.output.of('R').size() == 1);
  Case nobody;
  nobody.policy.always_bcc = "bcc";
  CHECK(nobody.run(join({T, S}, content)) == CleanupStatus::recipients);
}

TEST_CASE("an empty recipient is the mail system") {
  Case test;
  CHECK(test.run(join({T, S, "R"}, content)) == CleanupStatus::ok);
  CHECK_THAT(test.output.of('O'), Catch::Equals(Strings{""}));
  CHECK_THAT(test.output.of('R'), Catch::Equals(Strings{"MAILER-DAEMON@example.test"}));
}

TEST_CASE("a message over the size limit is refused at its end") {
  Case test;
  test.policy.message_size_limit = 1000;
  CHECK(test.run(join({T, S, R}, {"M", "NReceived: t", "N", "N" + std::string(2000, 'x'), "X"})) == CleanupStatus::size);
  Case unlimited;
  unlimited.policy.message_size_limit = 0;
  CHECK(unlimited.run(join({T, S, R}, {"M", "NReceived: t", "N", "N" + std::string(2000, 'x'), "X"})) == CleanupStatus::ok);
}

TEST_CASE("tables and services that cannot be asked defer the message") {
  Case tables;
  tables.addresses.broken["alice@example.test"] = true;
  CHECK(tables.run(join({T, S, R}, content)) == CleanupStatus::defer);
  CHECK(tables.message->reason() == "4.6.0 Alias expansion error");
  Case rewrite;
  rewrite.addresses.fails = true;
  CHECK(rewrite.run(join({T, S, R}, content)) == CleanupStatus::defer);
}

TEST_CASE("the numbers of attributes are bounded") {
  Case test;
  Strings records{T};
  for (int i = 0; i < 120; ++i) records.push_back("Aa" + std::to_string(i) + "=b");
  CHECK(test.run(join(records, {S, R}, join(content))) == CleanupStatus::bad);
}

TEST_CASE("SMTPUTF8 is noted for header, sender and request") {
  const auto options = [](CleanupFlags flags, const char* sender, const char* subject, const char* recipient) {
    Case test(flags);
    CHECK(test.run(join({T, "S" + std::string(sender), "R" + std::string(recipient)},
                        {"M", "NReceived: t", "NFrom: x@y", "NSubject: " + std::string(subject), "X"})) == CleanupStatus::ok);
    return test.message->send_options();
  };
  CHECK(options(CleanupFlags::map, "bob@x", "a", "c@d") == 0);
  CHECK(options(CleanupFlags::smtputf8, "bob@x", "a", "c@d") == 1);
  CHECK(options(CleanupFlags::map, "bob@x", "\303\274", "c@d") == 2);
  CHECK(options(CleanupFlags::map, "\303\274@x", "a", "\303\274@d") == 4);
  CHECK(options(CleanupFlags::map, "b@x", "a", "\303\274@d") == 0);
  CHECK(options(CleanupFlags::autodetect_smtputf8, "b@x", "a", "\303\274@d") == 1);
  CHECK(options(CleanupFlags::smtputf8, "\303\274@x", "\303\274", "\303\274@d") == 7);
  Case test(CleanupFlags::smtputf8);
  CHECK(test.run(join({T, S, "R\303\274@d"}, content)) == CleanupStatus::ok);
  CHECK(test.output.of('A')[1] == "dsn_orig_rcpt=utf-8;\303\274@d");
}

TEST_CASE("any order of any records is survived, and what is accepted is well formed") {
  std::mt19937 random(20261124);
  constexpr std::string_view letters = "CTcFILSDRO/WAK>fdMNLwXreptPV<ionmEz";
  const Strings data{"", "1", "a@b", "x=y", "rewrite_context=local", "Received: x", "Subject: y", std::string("a\0b", 3), "a\nb",
                     "notify_flags=2", "1795489839 1"};
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    FakeAddresses addresses;
    FakeOutput output;
    const Policy policy;
    Message message(addresses, policy, output, {"ID", created, CleanupFlags::map});
    // Start well and go wrong somewhere.
    const Strings good = join({T, A, S, R}, content);
    const std::size_t keep = random() % (good.size() + 1);
    for (std::size_t i = 0; i < keep && !message.is_finished(); ++i) {
      message.take(static_cast<RecordType>(good[i].front()), std::string_view(good[i]).substr(1));
    }
    for (int i = 0; i < 12 && !message.is_finished(); ++i) {
      message.take(static_cast<RecordType>(letters[random() % letters.size()]), data[random() % data.size()]);
    }
    if (!message.is_finished() || message.status() != CleanupStatus::ok) continue;
    ++accepted;
    const std::string types = output.types();
    CHECK(std::ranges::count(types, 'M') == 1);
    CHECK(std::ranges::count(types, 'X') == 1);
    CHECK(std::ranges::count(types, 'S') == 1);
    CHECK(types.find('T') < types.find('M'));
    CHECK(types.find('M') < types.find('X'));
    CHECK(types.contains('R'));
    CHECK_FALSE(types.contains('p'));
    for (const std::string& record : output.records) {
      const bool is_content = record.front() == 'N' || record.front() == 'L';
      if (!is_content) CHECK(record.find_first_of(std::string_view("\0\n", 2)) == std::string::npos);
    }
  }
  CHECK(accepted > 100);
}

}  // namespace cleanup
