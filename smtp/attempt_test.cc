#include "smtp/attempt.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "lib/queue/record.h"
#include "lib/testing/delivery_request.h"
#include "lib/testing/smtp_peer.h"

#include "lib/testing/catch.h"

namespace {

using delivery::StatusLog;
using testing::SmtpPeer;

class FakeSink : public delivery::StatusSink {
 public:
  bool append(StatusLog log, const ipc::BounceRequest& request) override {
    constexpr std::string_view names[] = {"bounce", "defer", "trace"};
    entries.push_back(std::string(names[static_cast<std::size_t>(log)]) + " " + request.recipient.recipient + " " +
                      request.recipient.status + " " + request.recipient.action + " " + request.recipient.reason);
    return true;
  }
  std::vector<std::string> entries;
};

constexpr std::string_view peer_name = "127.0.0.1[127.0.0.1]";

// One delivery, in a fiber, to servers of its own.
struct World {
  std::vector<std::unique_ptr<SmtpPeer>> peers;
  ipc::DeliveryRequest request;
  ipc::DeliveryAnswer answer;
  FakeSink sink;
  std::vector<std::string> settings{"smtp_helo_name=client.test", "myhostname=client.test"};
  smtp::Protocol protocol = smtp::Protocol::smtp;

  explicit World(const std::vector<std::string>& recipients = {"a@dest.test"}, const std::vector<std::string>& content = {"Subject: t", "", "hello"}) {
    std::string records;
    for (const std::string& line : content) queue::append_record(records, queue::RecordType::normal, line);
    request = testing::delivery_request(recipients, records);
    request.sender = "sender@example.test";
  }

  // Delivers `times` times to the servers that follow the scripts; the first is the next hop, others are fallbacks.
  void deliver(const std::vector<SmtpPeer::Script>& scripts, int times = 1) {
    event::Loop loop;
    REQUIRE(loop.spawn("test", [&] {
      std::string fallback;
      for (const SmtpPeer::Script& script : scripts) {
        peers.push_back(std::make_unique<SmtpPeer>(script));
        const std::string destination = "[127.0.0.1]:" + std::to_string(peers.back()->endpoint().port);
        if (peers.size() == 1) request.nexthop = destination;
        else fallback += destination + " ";
      }
      settings.push_back("smtp_fallback_relay=" + fallback);
      const auto main = config::Main::parse("", "/nonexistent", settings);
      REQUIRE(main);
      const auto params = smtp::Params::load(*main);
      REQUIRE(params);
      const auto resolver = dns::Resolver::open({.servers = "127.0.0.1:9", .hosts_file = "/nonexistent"});
      const smtp::Router router(**resolver, {});
      smtp::ConnectionCache cache({});
      maps::Tables tables({});
      const auto tls = smtp::TlsSite::open(tables, *params, "smtp", [](const std::string&) {});
      REQUIRE(tls);
      const smtp::Dane dane(**resolver, {});
      const auto sasl = smtp::SaslSite::open(tables, *params, "smtp", base::system_clock());
      REQUIRE(sasl);
      const maps::Maps no_maps;
      const maps::MatchList nowhere;
      const smtp::GenericMaps no_generic;
      const delivery::StatusFilter no_filter;
      const smtp::ContentCheckMaps no_checks;
      const config::KnownPorts ports;
      const smtp::RequireTlsPolicy no_requirement;
      const base::Clock clock;
      ipc::Connections services;
      const delivery::SessionNotices no_notices({}, services, clock);
      ipc::TraceSource traces(services, "tlsmgr", "smtp");
      const smtp::Means means{.protocol = protocol, .params = *params, .router = router, .cache = cache, .tls = *tls, .dane = dane, .require_tls = no_requirement, .resolver = **resolver, .tls_traces = traces, .sasl = *sasl,
                              .ehlo_discard_maps = no_maps, .pix_workaround_maps = no_maps, .cached_destinations = nowhere, .debug_peers = nowhere, .generic = no_generic, .checks = no_checks, .status_filter = no_filter,
                              .default_port = 25, .ports = ports,
                              .reply_filter = no_maps, .notices = no_notices, .sink = sink, .services = services, .clock = base::system_clock()};
      for (int i = 0; i < times; ++i) answer = smtp::Attempt(request, means).run();
      cache.close_all();
      // The servers have read all that was sent once they have seen the end.
      for (const auto& peer : peers) {
        for (int turn = 0; turn < 5; ++turn) event::yield();
        event::sleep_until(base::after(std::chrono::milliseconds(5)));
        heard.push_back(peer->heard());
        connections.push_back(peer->connections());
      }
      peers.clear();
    }));
    loop.run_until([&] { return loop.fibers() == 0; });
  }

  [[nodiscard]] std::string all_heard(std::size_t peer = 0) const {
    std::string text;
    for (const std::string& line : heard.at(peer)) text += line + "|";
    return text;
  }

  std::vector<std::vector<std::string>> heard;
  std::vector<int> connections;
};

// A server that takes everything but what `changed` answers otherwise (by the beginning of what it hears).
SmtpPeer::Script script(std::vector<std::pair<std::string, std::string>> changed, std::string ehlo = "") {
  return [changed, ehlo](std::string_view heard) {
    for (const auto& [start, reply] : changed) {
      if (heard.starts_with(start)) return reply;
    }
    return ehlo.empty() ? SmtpPeer::accept_all(heard) : SmtpPeer::accept_all(heard, ehlo);
  };
}

const std::string closes(SmtpPeer::closes), silent(SmtpPeer::silent);
const std::string plain_ehlo = "250 peer.test";

std::string with_peer(std::string text) {
  for (std::size_t at = 0; (at = text.find("PEER", at)) != std::string::npos;) text.replace(at, 4, peer_name);
  return text;
}

}  // namespace

TEST_CASE("a message goes out with what the server can do") {
  World world;
  world.request.encoding = "8bit";
  world.request.dsn_envid = "ab+c";
  world.request.dsn_ret = 2;
  world.request.recipients[0].notify = 2 | 4;
  world.request.recipients[0].dsn_original = "rfc822;orig@x y";
  world.deliver({script({})});
  CHECK(world.answer.all_done);
  CHECK(world.all_heard() == "<connection>|EHLO client.test|MAIL FROM:<sender@example.test> SIZE=" +
                                 std::to_string(world.request.data_size) + " BODY=8BITMIME ENVID=ab+2Bc RET=HDRS|"
                                 "RCPT TO:<a@dest.test> ORCPT=rfc822;orig@x+20y NOTIFY=SUCCESS,FAILURE|DATA|"
                                 "Subject: t||hello|.|QUIT|");
  CHECK(world.sink.entries.empty());  // the server reports success itself
}

TEST_CASE("without extensions there is HELO, plain commands, and a report of our own") {
  World world;
  world.request.recipients[0].notify = 2;
  world.deliver({script({{"EHLO", "502 what"}})});
  CHECK(world.answer.all_done);
  CHECK(world.all_heard() == "<connection>|EHLO client.test|HELO client.test|MAIL FROM:<sender@example.test>|"
                             "RCPT TO:<a@dest.test>|DATA|Subject: t||hello|.|QUIT|");
  REQUIRE(world.sink.entries.size() == 1);
  CHECK(world.sink.entries[0].starts_with("trace a@dest.test 2.0.0 relayed delivery via "));
}

TEST_CASE("each recipient has its own end, pipelined or not") {
  for (const std::string& ehlo : {std::string(), plain_ehlo}) {
    World world({"good@dest.test", "bad@dest.test", "later@dest.test"});
    world.deliver({script({{"RCPT TO:<bad", "550 5.1.1 no such user"}, {"RCPT TO:<later", "450 4.2.1 try later"}}, ehlo)});
    CHECK_FALSE(world.answer.all_done);
    CHECK(world.answer.hop_status.empty());
    CHECK(world.sink.entries ==
          std::vector<std::string>{
              with_peer("bounce bad@dest.test 5.1.1 failed host PEER said: 550 5.1.1 no such user (in reply to RCPT TO command)"),
              with_peer("defer later@dest.test 4.2.1 delayed host PEER said: 450 4.2.1 try later (in reply to RCPT TO command)")});
    CHECK(world.all_heard().ends_with("DATA|Subject: t||hello|.|QUIT|"));
  }
}

TEST_CASE("in LMTP each accepted recipient has his reply after the dot") {
  World world({"good@dest.test", "nobody@dest.test", "full@dest.test", "bad@dest.test"});
  world.protocol = smtp::Protocol::lmtp;
  world.deliver({script({{"LHLO", "250-peer.test\r\n250 PIPELINING"}, {"RCPT TO:<nobody", "550 5.1.1 who"},
                         {".", "250 2.0.0 taken\r\n452 4.2.2 full\r\n550 5.7.1 no"}})});
  CHECK_FALSE(world.answer.all_done);
  CHECK(world.sink.entries ==
        std::vector<std::string>{
            with_peer("bounce nobody@dest.test 5.1.1 failed host PEER said: 550 5.1.1 who (in reply to RCPT TO command)"),
            with_peer("defer full@dest.test 4.2.2 delayed host PEER said: 452 4.2.2 full (in reply to end of DATA command)"),
            with_peer("bounce bad@dest.test 5.7.1 failed host PEER said: 550 5.7.1 no (in reply to end of DATA command)")});
  CHECK(world.all_heard().starts_with("<connection>|LHLO client.test|MAIL FROM:<sender@example.test>|"));
  CHECK(world.all_heard().ends_with("DATA|Subject: t||hello|.|QUIT|"));
}

TEST_CASE("in LMTP there is no HELO, and a message for nobody is not sent") {
  World refused;
  refused.protocol = smtp::Protocol::lmtp;
  refused.deliver({script({{"LHLO", "500 5.5.1 what"}})});
  CHECK(refused.sink.entries == std::vector<std::string>{with_peer("bounce a@dest.test 5.5.1 failed host PEER refused to talk to me: 500 5.5.1 what")});
  World nobody;
  nobody.protocol = smtp::Protocol::lmtp;
  nobody.deliver({script({{"LHLO", "250-peer.test\r\n250 PIPELINING"}, {"RCPT", "550 5.1.1 who"}})});
  CHECK(nobody.answer.all_done);
  CHECK(nobody.all_heard().ends_with("|DATA|"));
}

TEST_CASE("what a server says, and where it breaks off, as Postfix 3.10 logs it") {
  struct Vector {
    std::vector<std::pair<std::string, std::string>> changed;
    const char* entry;     // log, status, action, reason
    bool hop_failed;
  };
  const std::vector<Vector> vectors{
      {{{"greeting", "554 5.7.1 go away"}}, "defer 4.7.1 delayed host PEER refused to talk to me: 554 5.7.1 go away", true},
      {{{"greeting", "421 4.3.2 busy"}}, "defer 4.3.2 delayed host PEER refused to talk to me: 421 4.3.2 busy", true},
      {{{"greeting", closes}}, "defer 4.4.2 delayed lost connection with PEER while receiving the initial server greeting", true},
      {{{"greeting", "hello"}}, "defer 4.4.2 delayed conversation with PEER timed out while receiving the initial server greeting", true},
      {{{"EHLO", closes}}, "defer 4.4.2 delayed lost connection with PEER while performing the EHLO handshake", true},
      {{{"EHLO", "550 no"}, {"HELO", "550 5.7.1 no helo"}}, "bounce 5.7.1 failed host PEER refused to talk to me: 550 5.7.1 no helo", false},
      {{{"MAIL", "550 5.7.1 no"}}, "bounce 5.7.1 failed host PEER said: 550 5.7.1 no (in reply to MAIL FROM command)", false},
      {{{"MAIL", "451 4.7.1 no"}}, "defer 4.7.1 delayed host PEER said: 451 4.7.1 no (in reply to MAIL FROM command)", false},
      {{{"MAIL", closes}}, "defer 4.4.2 delayed lost connection with PEER while sending MAIL FROM", true},
      {{{"MAIL", "421 4.3.0 bye"}}, "defer 4.3.0 delayed host PEER said: 421 4.3.0 bye (in reply to MAIL FROM command)", false},
      {{{"RCPT", "550 no"}}, "bounce 5.0.0 failed host PEER said: 550 no (in reply to RCPT TO command)", false},
      {{{"RCPT", "550-5.1.1 a\r\n550 5.1.1 b"}}, "bounce 5.1.1 failed host PEER said: 550-5.1.1 a 550 5.1.1 b (in reply to RCPT TO command)", false},
      {{{"DATA", "554 5.5.1 no"}}, "bounce 5.5.1 failed host PEER said: 554 5.5.1 no (in reply to DATA command)", false},
      {{{"DATA", closes}}, "defer 4.4.2 delayed lost connection with PEER while sending DATA command", true},
      {{{".", "554 5.6.0 bad"}}, "bounce 5.6.0 failed host PEER said: 554 5.6.0 bad (in reply to end of DATA command)", false},
      {{{".", "451 4.3.0 hm"}}, "defer 4.3.0 delayed host PEER said: 451 4.3.0 hm (in reply to end of DATA command)", false},
      {{{".", closes}}, "defer 4.4.2 delayed lost connection with PEER while sending end of data -- message may be sent more than once", true},
      {{{".", silent}}, "defer 4.4.2 delayed conversation with PEER timed out while sending end of data -- message may be sent more than once", true},
  };
  for (const std::string& ehlo : {std::string(), plain_ehlo}) {
    for (const Vector& vector : vectors) {
      INFO(vector.entry);
      World world;
      for (const char* name : {"smtp_helo_timeout", "smtp_data_done_timeout"}) world.settings.push_back(std::string(name) + "=1s");
      world.deliver({script(vector.changed, ehlo)});
      REQUIRE(world.sink.entries.size() == 1);
      std::string entry = world.sink.entries[0];
      entry.erase(entry.find(' '), std::string_view(" a@dest.test").size());
      CHECK(entry == with_peer(vector.entry));
      CHECK(world.answer.hop_status.empty() != vector.hop_failed);
      CHECK(world.answer.all_done == std::string_view(vector.entry).starts_with("bounce"));
    }
  }
}

TEST_CASE("what one server does not take for good, the next one gets") {
  World world({"a@dest.test", "bad@dest.test"});
  world.deliver({script({{"RCPT TO:<a", "450 4.2.0 greylisted"}, {"RCPT TO:<bad", "550 5.1.1 no"}}), script({})});
  CHECK(world.answer.all_done);
  CHECK(world.sink.entries.size() == 1);  // only the bounce
  CHECK(world.all_heard(1).find("RCPT TO:<a@dest.test>") != std::string::npos);
  CHECK(world.all_heard(1).find("bad@") == std::string::npos);
}

TEST_CASE("where all recipients were refused, a server that said 354 gets an empty message for nobody") {
  World world({"a@dest.test", "b@dest.test"});
  world.deliver({script({{"RCPT", "550 5.1.1 no"}})});
  CHECK(world.all_heard().ends_with("DATA|.|QUIT|"));
  World stepwise({"a@dest.test"});
  stepwise.deliver({script({{"RCPT", "550 5.1.1 no"}}, plain_ehlo)});
  CHECK(stepwise.all_heard().ends_with("RCPT TO:<a@dest.test>|RSET|QUIT|"));
}

TEST_CASE("too large, or not understood: not even begun") {
  World large;
  large.deliver({script({}, "250-peer.test\r\n250 SIZE 10")});
  CHECK(large.sink.entries[0] == with_peer("bounce a@dest.test 5.3.4 failed message size " + std::to_string(large.request.data_size) +
                                           " exceeds size limit 10 of server PEER"));
  CHECK(large.all_heard().find("MAIL") == std::string::npos);
  World utf8({"\xc3\xbc@dest.test"});
  utf8.request.smtputf8 = true;
  utf8.deliver({script({})});
  CHECK(utf8.sink.entries[0].ends_with(with_peer("5.6.7 failed SMTPUTF8 is required, but was not offered by host PEER")));
  World ascii_only;
  ascii_only.request.smtputf8 = true;
  ascii_only.deliver({script({})});
  CHECK(ascii_only.answer.all_done);
}

TEST_CASE("where TLS is demanded, nothing is sent") {
  for (const std::string level : {"encrypt", "verify", "secure"}) {
    World world;
    world.settings.push_back("smtp_tls_security_level=" + level);
    world.deliver({script({})});
    CHECK(world.sink.entries[0].ends_with(with_peer("4.7.4 delayed TLS is required, but was not offered by host PEER")));
  }
  World without_dnssec;
  without_dnssec.settings.push_back("smtp_tls_security_level=dane-only");
  without_dnssec.deliver({script({})});
  CHECK(without_dnssec.connections == std::vector<int>{0});
  CHECK(without_dnssec.sink.entries[0] == "defer a@dest.test 4.7.5 delayed client TLS configuration problem");
  World without_fingerprints;
  without_fingerprints.settings.push_back("smtp_tls_security_level=fingerprint");
  without_fingerprints.deliver({script({})});
  CHECK(without_fingerprints.connections == std::vector<int>{0});
  CHECK(without_fingerprints.sink.entries[0] == "defer a@dest.test 4.7.5 delayed client TLS configuration problem");
  World opportunistic;
  opportunistic.settings.push_back("smtp_tls_security_level=may");
  opportunistic.deliver({script({})});
  CHECK(opportunistic.answer.all_done);
}

TEST_CASE("a connection is used again while mail waits, and not when it has died") {
  World world;
  world.request.backlog = true;
  world.deliver({script({})}, 3);
  CHECK(world.connections == std::vector<int>{1});
  World impatient;
  impatient.request.backlog = true;
  int messages = 0;
  impatient.deliver({[&](std::string_view heard) {
    if (heard == ".") ++messages;
    if (heard.starts_with("MAIL") && messages == 1 && impatient.heard.empty()) {
      ++messages;
      return closes;
    }
    return SmtpPeer::accept_all(heard);
  }}, 2);
  CHECK(impatient.answer.all_done);
  CHECK(impatient.connections == std::vector<int>{2});
}

TEST_CASE("a thousand recipients are pipelined without a standstill") {
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("user" + std::to_string(i) + "@dest.test");
  World world(many);
  world.deliver({script({{"RCPT", "250 2.1.5 " + std::string(400, 'x')}})});
  CHECK(world.answer.all_done);
}

TEST_CASE("an address cannot make a command of its own") {
  World world({"a\r\nRCPT TO:<evil@x>@dest.test"});
  world.request.sender = "s\r\nDATA\r\n@x";
  world.deliver({script({})});
  for (const std::string& line : world.heard[0]) {
    CHECK_FALSE(line.starts_with("RCPT TO:<evil"));
    if (line.starts_with("DATA")) CHECK(line == "DATA");
  }
}

TEST_CASE("a damaged queue file is never completed at the server") {
  World world;
  REQUIRE(::ftruncate(world.request.file.get(), world.request.data_offset + 14) == 0);
  world.deliver({script({})});
  CHECK_FALSE(world.answer.all_done);
  CHECK(world.all_heard().find("|.|") == std::string::npos);
  CHECK(world.sink.entries[0].ends_with("4.3.0 delayed unreadable mail queue entry"));
}
