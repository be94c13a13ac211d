#include "cleanup/canonical.h"

#include "cleanup/fake_addresses.h"
#include "lib/testing/catch.h"

namespace cleanup {
namespace {

struct World {
  FakeAddresses addresses;
  Policy policy;
  std::string queue_id = "QID1";

  World() {
    policy.canonical_places = AddressPlace::envelope_sender | AddressPlace::envelope_recipient | AddressPlace::header_sender |
                              AddressPlace::header_recipient;
    policy.sender_canonical_places = AddressPlace::envelope_sender | AddressPlace::header_sender;
    policy.recipient_canonical_places = AddressPlace::envelope_recipient | AddressPlace::header_recipient;
  }
  Result<std::string> map(AddressPlace place, std::string internal) {
    return Canonical(addresses, policy, queue_id).map(place, std::move(internal));
  }
};

}  // namespace

TEST_CASE("the tables of one side come before those of both, and masquerading last") {
  World world;
  world.addresses.others[AddressTable::sender_canonical] = {{"a@x.test", "s@x.test"}};
  world.addresses.others[AddressTable::recipient_canonical] = {{"a@x.test", "r@x.test"}};
  world.addresses.others[AddressTable::canonical] = {{"s@x.test", "cs@x.test"}, {"r@x.test", "cr@host.y.test"}, {"a@x.test", "wrong@x.test"}};
  world.policy.masquerade_domains = {"y.test"};
  world.policy.masquerade_places = AddressPlace::envelope_recipient;
  CHECK(world.map(AddressPlace::envelope_sender, "a@x.test").value() == "cs@x.test");
  CHECK(world.map(AddressPlace::header_sender, "a@x.test").value() == "cs@x.test");
  CHECK(world.map(AddressPlace::envelope_recipient, "a@x.test").value() == "cr@y.test");
  CHECK(world.map(AddressPlace::header_recipient, "a@x.test").value() == "cr@host.y.test");
}

TEST_CASE("classes say which addresses are changed, and the empty address never is") {
  World world;
  world.addresses.others[AddressTable::canonical] = {{"a@x.test", "b@x.test"}, {"@", "c@x.test"}};
  world.policy.canonical_places = AddressPlace::header_recipient;
  CHECK(world.map(AddressPlace::envelope_sender, "a@x.test").value() == "a@x.test");
  CHECK(world.map(AddressPlace::header_recipient, "a@x.test").value() == "b@x.test");
  CHECK(world.map(AddressPlace::header_recipient, "").value().empty());
}

TEST_CASE("an address is looked up until it no longer changes, at most ten times") {
  World world;
  world.addresses.others[AddressTable::canonical] = {
      {"a@x.test", "b@x.test"}, {"b@x.test", "c@x.test"}, {"l1@x.test", "l2@x.test"}, {"l2@x.test", "l3@x.test"}, {"l3@x.test", "l1@x.test"}, {"self@x.test", "self@x.test"}};
  CHECK(world.map(AddressPlace::envelope_sender, "a@x.test").value() == "c@x.test");
  CHECK(world.map(AddressPlace::envelope_sender, "self@x.test").value() == "self@x.test");
  world.addresses.lookups = 0;
  CHECK(world.map(AddressPlace::header_recipient, "l1@x.test").value() == "l2@x.test");
  CHECK(world.addresses.lookups == 11);  // one of them in recipient_canonical_maps
}

TEST_CASE("the extension that a table does not have goes along, where it is propagated") {
  World world;
  world.addresses.others[AddressTable::canonical] = {{"a@x.test", "b@y.test"}};
  CHECK(world.map(AddressPlace::envelope_sender, "a+ext@x.test").value() == "b+ext@y.test");
  world.policy.propagate_canonical = false;
  CHECK(world.map(AddressPlace::envelope_sender, "a+ext@x.test").value() == "b@y.test");
}

TEST_CASE("a table that cannot be asked makes the message wait") {
  World world;
  world.addresses.broken["a@x.test"] = true;
  CHECK(world.map(AddressPlace::envelope_sender, "a@x.test").error().message() ==
        "sender_canonical_maps map lookup problem for a@x.test -- message not accepted, try again later");
}

TEST_CASE("masquerading takes the host off, for the first domain of the list that the address is in") {
  const std::vector<std::string> plain{"example.test"};
  const std::vector<std::string> deep{"c.example.test", "example.test"};
  const std::vector<std::string> spared{"!c.example.test", "!!a.example.test", "example.test"};
  const struct {
    const std::vector<std::string>& domains;
    std::string_view address, result;
  } cases[] = {
      {plain, "joe@a.example.test", "joe@example.test"},
      {plain, "joe@A.B.Example.TEST", "joe@example.test"},
      {plain, "joe@example.test", "joe@example.test"},
      {plain, "joe@Example.test", "joe@Example.test"},
      {plain, "joe@badexample.test", "joe@badexample.test"},
      {plain, "joe@test", "joe@test"},
      {plain, "joe", "joe"},
      {deep, "joe@b.c.example.test", "joe@c.example.test"},
      {deep, "joe@c.example.test", "joe@c.example.test"},
      {deep, "joe@b.example.test", "joe@example.test"},
      {spared, "joe@b.c.example.test", "joe@b.c.example.test"},
      {spared, "joe@x.a.example.test", "joe@a.example.test"},
      {spared, "joe@d.example.test", "joe@example.test"},
  };
  for (const auto& c : cases) CHECK(masqueraded(c.domains, std::string(c.address)) == c.result);
}

TEST_CASE("masquerade_exceptions keep their host") {
  World world;
  world.policy.masquerade_domains = {"example.test"};
  world.policy.masquerade_places = AddressPlace::header_sender;
  world.addresses.masquerade_exception = "root";
  CHECK(world.map(AddressPlace::header_sender, "root@a.example.test").value() == "root@a.example.test");
  CHECK(world.map(AddressPlace::header_sender, "joe@a.example.test").value() == "joe@example.test");
  CHECK(world.map(AddressPlace::header_recipient, "joe@a.example.test").value() == "joe@a.example.test");
}

TEST_CASE("the words of classes") {
  CHECK(parse_places("canonical_classes", "envelope_sender, header_recipient").value() ==
        (AddressPlace::envelope_sender | AddressPlace::header_recipient));
  CHECK_FALSE(parse_places("canonical_classes", "Header_Recipient"));
  CHECK(parse_places("canonical_classes", "").value() == AddressPlace::none);
  CHECK(parse_places("canonical_classes", "envelope_sender nonsense").error().message() ==
        "unknown canonical_classes value \"nonsense\" in \"envelope_sender nonsense\"");
}

}  // namespace cleanup
