// Who is served first when there are more deliveries than a transport may run: the sequences are the reference's.

#include "qmgr/transport_test.h"

#include <algorithm>

#include <fmt/format.h>

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using qmgr::ActiveMessage;
using qmgr::Rank;
using qmgr::SlotLimits;
using qmgr::Slots;
using qmgr::Transport;
using qmgr::test::end;
using qmgr::test::make;
using qmgr::test::message;
using qmgr::test::put;
using qmgr::test::start;
using qmgr::test::start_all;

namespace {

// Messages with so many recipients each, a delivery for each recipient, one at a time; the messages' numbers in the order of
// their deliveries.
std::string sequence(std::string_view main_cf, const std::vector<int>& recipients) {
  const auto transport = make("slow", std::string("slow_destination_recipient_limit = 1\n").append(main_cf), 1);
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const auto one = message(i + 1, recipients[i]);
    for (int n = 0; n < recipients[i]; ++n) put(*transport, one, "site", 1, fmt::format("{}-{}@example.com", i + 1, n), start + i * 1ms);
  }
  std::string order;
  while (auto next = transport->next(start + 1s)) {
    order += std::to_string(next->batch.message->number());
    end(*transport, *next, start + 1s);
  }
  return order;
}

constexpr const char* no_credit = "slow_delivery_slot_loan = 0\nslow_delivery_slot_discount = 0\nslow_minimum_delivery_slots = 1\n";

std::string cost_two(const char* more = no_credit) { return std::string("slow_delivery_slot_cost = 2\n") + more; }

}  // namespace

TEST_CASE("messages with few recipients overtake one with many") {
  CHECK(sequence("slow_delivery_slot_cost = 0\n", {4, 1, 1, 1, 1}) == "11112345");
  CHECK(sequence("slow_delivery_slot_cost = 1\n", {4, 1, 1, 1, 1}) == "11112345");
  CHECK(sequence(cost_two(), {4, 1, 1, 1, 1}) == "11211345");
  CHECK(sequence(cost_two(), {10, 2, 2}) == "11112211113311");
  CHECK(sequence("", {30, 2, 2, 1, 1, 4, 3}) == "1411111511111221111111111331111111116666777");
  CHECK(sequence("default_delivery_slot_cost = 0\n", {4, 1}) == "11112");
}

TEST_CASE("a discount and a loan let them do so earlier") {
  CHECK(sequence(cost_two("slow_delivery_slot_loan = 0\nslow_delivery_slot_discount = 50\nslow_minimum_delivery_slots = 1\n"), {10, 2, 2}) ==
        "11221111331111");
  CHECK(sequence(cost_two("default_delivery_slot_loan = 3\ndefault_delivery_slot_discount = 0\ndefault_minimum_delivery_slots = 1\n"), {10, 2, 2}) ==
        "12211113311111");
}

TEST_CASE("a message that gives few slots in all is not overtaken") {
  const std::string rest = "slow_delivery_slot_loan = 0\nslow_delivery_slot_discount = 0\nslow_minimum_delivery_slots = ";
  CHECK(sequence(cost_two((rest + "5\n").c_str()), {10, 1, 1}) == "112113111111");
  CHECK(sequence(cost_two((rest + "6\n").c_str()), {10, 1, 1}) == "111111111123");
}

TEST_CASE("slots are saved for a message with more recipients that gains more") {
  const std::string order = sequence(cost_two(), {40, 8, 1, 1, 3});
  CHECK(order == "113114111111555" + std::string(16, '1') + "22222222" + std::string(14, '1'));
}

TEST_CASE("whoever waits longer overtakes first, even with more recipients") {
  const auto transport = make("slow", std::string("slow_destination_recipient_limit = 1\n") + cost_two(), 1);
  const auto many = message(1, 100), old = message(2, 3), young = message(3, 1);
  for (int i = 0; i < 100; ++i) put(*transport, many, "site", 1, fmt::format("{}@example.com", i));
  for (int i = 0; i < 3; ++i) put(*transport, old, "site", 1, fmt::format("old{}@example.com", i));
  put(*transport, young, "site", 1, "young@example.com", start + 60s);
  std::string order;
  for (int i = 0; i < 12; ++i) {
    const auto next = transport->next(start + 61s);
    order += std::to_string(next->batch.message->number());
    end(*transport, *next, start + 61s);
  }
  CHECK(order == "111111223211");
}

TEST_CASE("a message overtakes only where its destinations take more") {
  const auto transport = make("slow", std::string("slow_destination_concurrency_limit = 1\n") + cost_two(), 2);
  const auto before = message(1), many = message(2, 20), same = message(3), other = message(4);
  put(*transport, before, "busy");
  const auto first = transport->next(start);
  put(*transport, many, "site", 20);
  put(*transport, same, "busy");
  put(*transport, other, "free");
  std::string order;
  for (int i = 0; i < 5; ++i) {
    const auto next = transport->next(start);
    order += std::to_string(next->batch.message->number());
    end(*transport, *next);
  }
  CHECK(order == "22422");
  end(*transport, *first);
  CHECK(transport->next(start)->batch.message->number() == 3);
}

TEST_CASE("whatever comes, a message with many recipients takes no longer than its slots allow (O09)") {
  // 10^4 recipients, and new mail after each delivery: of cost deliveries at most one is lost, and new mail is served at once.
  constexpr int many = 10'000;
  const auto transport = make("slow", "slow_destination_recipient_limit = 1\n", 1);
  const auto list = message(1, many);
  for (int i = 0; i < many; ++i) put(*transport, list, "site", 1, fmt::format("{}@example.com", i));
  std::uint64_t number = 1;
  int deliveries = 0, left = many, small = 0;
  Deadline now = start;
  std::map<std::uint64_t, Deadline> came;
  std::chrono::steady_clock::duration longest{};
  while (left > 0) {
    now += 1s;
    if (deliveries % 6 == 0) {  // a little less than there is room for
      came[++number] = now;
      put(*transport, message(number), "site", 1, fmt::format("new{}@example.com", number), now);
    }
    const auto next = transport->next(now);
    REQUIRE(next);
    ++deliveries;
    if (next->batch.message->number() == 1) {
      --left;
    } else {
      ++small;
      longest = std::max(longest, now - came[next->batch.message->number()]);
    }
    end(*transport, *next, now);
  }
  CHECK(small >= many / 6);
  CHECK(deliveries <= many + many / 4 + 1);
  CHECK(longest <= 12s);
}

TEST_CASE("mail for one destination that is slow does not hinder that for others (O08)") {
  const auto transport = make("smtp", "");
  for (std::uint64_t i = 1; i <= 50'000; ++i) put(*transport, message(i), "slow");
  const auto slow = start_all(*transport);
  CHECK(slow.size() == 5);
  const std::uint64_t last = 50'001;
  put(*transport, message(last), "fast");
  const auto next = transport->next(start);
  REQUIRE(next);
  CHECK(next->batch.message->number() == last);
}

TEST_CASE("a place before another is found many times over") {
  Rank current{7}, previous{0, 0};
  int siblings = 0;
  for (Rank next = current.before(previous); next != current; next = current.before(previous)) {
    REQUIRE((previous < next && next < current));
    previous = next;
    ++siblings;
  }
  CHECK(siblings > 1000);
  int depth = 0;
  for (Rank next = current.before({0, 0}); next != current; next = current.before({0, 0})) {
    REQUIRE(next < current);
    current = next;
    ++depth;
  }
  CHECK(depth >= 10);
}

TEST_CASE("an account of slots pays what it lends before it lends again") {
  const SlotLimits limits{.cost = 5, .loan = 3, .discount = 50, .minimum = 3};
  Slots slots;
  CHECK_FALSE(slots.may_lend(30, limits));
  slots.chosen();
  CHECK(slots.may_lend(29, limits));
  CHECK_FALSE(slots.may_lend(13, limits));
  CHECK(slots.most(29, limits) == 6);
  CHECK(slots.has(6, limits));
  CHECK_FALSE(slots.has(7, limits));
  slots.lend(1, limits);
  for (int i = 0; i < 4; ++i) slots.chosen();
  CHECK_FALSE(slots.may_lend(25, limits));
  slots.chosen();
  CHECK(slots.may_lend(24, limits));
}
