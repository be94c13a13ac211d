// How many recipients of messages with very many are in memory.

#include "qmgr/scheduler.h"

#include "qmgr/transport_test.h"

using std::chrono_literals::operator""s;
using qmgr::Scheduler;
using qmgr::Transport;
using qmgr::test::end;
using qmgr::test::make;
using qmgr::test::message;
using qmgr::test::put;
using qmgr::test::start;
using qmgr::test::start_all;

namespace {

struct World {
  explicit World(std::string_view main_cf, Scheduler::Limits limits = {.recipients = 20'000, .minimum = 10})
      : main(*config::Main::parse(main_cf, "/etc/postfix")), scheduler(main, {}, limits), smtp(**scheduler.transport("smtp")) {}

  config::Main main;
  Scheduler scheduler;
  Transport& smtp;
};

// A message of 100,000 recipients, `read` of them in memory, in deliveries of ten each.
std::shared_ptr<qmgr::ActiveMessage> large(Transport& transport, std::uint64_t number, int read) {
  const auto made = message(number, 100'000, 12345);
  made->has_read(static_cast<std::size_t>(read), 12345, start);
  for (int i = 0; i < read; i += 10) {
    qmgr::Batch batch{made, {}};
    for (int n = i; n < std::min(i + 10, read); ++n) batch.recipients.push_back({.offset = n, .address = "a@example.com"});
    transport.add(transport.destination("site", ""), std::move(batch), start);
  }
  return made;
}

}  // namespace

TEST_CASE("who enters begins with what there is room for, and the minimum at least") {
  World world("", {.recipients = 100, .minimum = 10});
  CHECK(world.scheduler.first_batch() == 100);
  large(world.smtp, 1, 60);
  CHECK(world.scheduler.recipients() == 60);
  CHECK(world.scheduler.first_batch() == 40);
  large(world.smtp, 2, 35);
  CHECK(world.scheduler.first_batch() == 10);
}

TEST_CASE("recipient limits are those of the service, else the general ones") {
  const auto general = make("smtp", "default_recipient_limit = 7\ndefault_extra_recipient_limit = 8\ndefault_recipient_refill_limit = 9\n"
                                    "default_recipient_refill_delay = 10s\n");
  CHECK((general->limits().recipients == 7 && general->limits().extra_recipients == 8));
  CHECK((general->limits().refill == 9 && general->limits().refill_delay == 10s));
  const auto own = make("smtp", "smtp_recipient_limit = 7\nsmtp_extra_recipient_limit = 8\nsmtp_recipient_refill_limit = 9\n"
                                "smtp_recipient_refill_delay = 10s\n");
  CHECK((own->limits().recipients == 7 && own->limits().extra_recipients == 8));
  CHECK((own->limits().refill == 9 && own->limits().refill_delay == 10s));
}

TEST_CASE("more is read when there is room for many, or after a while") {
  World world("smtp_recipient_limit = 100\nsmtp_recipient_refill_limit = 20\nsmtp_recipient_refill_delay = 5s\n");
  const auto one = large(world.smtp, 1, 100);
  CHECK(world.scheduler.refill(*one, start).at == base::no_deadline);
  auto started = start_all(world.smtp);
  REQUIRE(started.size() == 5);
  end(world.smtp, started[0]);
  const auto later = world.scheduler.refill(*one, start + 1s);
  CHECK((later.recipients == 10 && later.at == start + 5s));
  CHECK(world.scheduler.refill(*one, start + 6s).at == start + 6s);
  end(world.smtp, started[1]);
  const auto now = world.scheduler.refill(*one, start + 1s);
  CHECK((now.recipients == 20 && now.at == start + 1s));
  one->set_reading(true);
  CHECK(world.scheduler.refill(*one, start + 1s).at == base::no_deadline);
  one->set_reading(false);
  one->has_read(20, 0, start + 2s);
  world.scheduler.all_read(*one);
  CHECK(world.scheduler.refill(*one, start + 9s).at == base::no_deadline);
}

TEST_CASE("when nothing of a message is in memory the minimum is read, whatever others have") {
  World world("smtp_recipient_limit = 100\n");
  large(world.smtp, 1, 100);
  const auto second = message(2, 1000, 1);
  const auto next = world.scheduler.refill(*second, start);
  CHECK((next.recipients == 10 && next.at == start));
}

TEST_CASE("the first message that is not read to its end gets the room that others leave, and then the next one") {
  World world("smtp_recipient_limit = 100\nsmtp_recipient_refill_limit = 1\n");
  const auto first = large(world.smtp, 1, 30), second = large(world.smtp, 2, 30);
  CHECK(world.smtp.first_unread() == first.get());
  CHECK(world.scheduler.refill(*first, start).recipients == 40);
  CHECK(world.scheduler.refill(*second, start).at == base::no_deadline);
  first->has_read(0, 0, start);
  world.scheduler.all_read(*first);
  CHECK(world.smtp.first_unread() == second.get());
  CHECK(world.scheduler.refill(*second, start).recipients == 40);
}

TEST_CASE("one that has overtaken another may use half of what is left, and of the extra recipients") {
  World world("smtp_recipient_limit = 1000\nsmtp_extra_recipient_limit = 100\nsmtp_recipient_refill_limit = 1\nsmtp_delivery_slot_cost = 2\n"
              "smtp_minimum_delivery_slots = 1\n");
  const auto first = message(1, 100'000, 12345);
  for (int i = 0; i < 800; ++i) put(world.smtp, first, "site");
  const auto second = message(2, 25, 99);
  second->has_read(20, 99, start);
  for (int i = 0; i < 20; ++i) put(world.smtp, second, "site");
  CHECK(world.smtp.share(*second) == 0);
  std::shared_ptr<qmgr::ActiveMessage> served;
  for (int i = 0; i < 60 && served != second; ++i) {
    const auto next = world.smtp.next(start);
    REQUIRE(next);
    served = next->batch.message;
    end(world.smtp, *next);
  }
  CHECK(served == second);
  CHECK(world.smtp.share(*second) >= 100 + 50);
  CHECK(world.smtp.share(*second) <= 120 + 50);
  second->has_read(5, 0, start);
  world.scheduler.all_read(*second);
  CHECK(world.smtp.share(*second) == 0);
}

TEST_CASE("of a message that leaves nothing stays") {
  World world("");
  const auto one = large(world.smtp, 1, 30);
  world.scheduler.entered(*one);
  for (auto running = start_all(world.smtp); !running.empty(); running = start_all(world.smtp)) {
    for (const auto& delivery : running) end(world.smtp, delivery);
  }
  CHECK(world.smtp.first_unread() == one.get());
  CHECK(world.scheduler.messages() == 1);
  world.scheduler.forget(*one);
  CHECK(world.smtp.first_unread() == nullptr);
  CHECK((world.scheduler.recipients() == 0 && world.scheduler.messages() == 0));
  CHECK(world.smtp.destinations() == 0);
}

TEST_CASE("probes are counted while they are in the active queue") {
  World world("");
  queue::Message envelope;
  envelope.trace_flags = queue::trace_probe;
  const qmgr::ActiveMessage probe(queue::QueueId::make(queue::IdForm::short_form, Stamp{}, 2), std::move(envelope), Stamp{}, 2, qmgr::Why::due);
  const auto mail = message(1);
  world.scheduler.entered(*mail);
  world.scheduler.entered(probe);
  CHECK((world.scheduler.messages() == 2 && world.scheduler.probes() == 1));
  world.scheduler.forget(*mail);
  CHECK(world.scheduler.probes() == 1);
  world.scheduler.forget(probe);
  CHECK(world.scheduler.probes() == 0);
}
