#include "qmgr/recipients.h"

#include "lib/testing/catch.h"

namespace {

std::vector<std::string> sorted(const std::vector<std::string>& addresses) {
  std::vector<ipc::DeliveryRecipient> recipients;
  for (const std::string& address : addresses) recipients.push_back({.address = address});
  qmgr::sort_recipients(recipients);
  std::vector<std::string> out;
  for (const auto& recipient : recipients) out.push_back(recipient.address);
  return out;
}

using Addresses = std::vector<std::string>;

}  // namespace

TEST_CASE("recipients of a delivery are sorted by domain in whatever case, then by local part in its own") {
  CHECK(sorted({}).empty());
  CHECK(sorted({"c@x.example", "a@x.example", "b@x.example"}) == Addresses{"a@x.example", "b@x.example", "c@x.example"});
  CHECK(sorted({"a@Y.example", "B@x.example", "b@sub.x.example", "Z@y.example", "a@x.example", "b@a.example"}) ==
        Addresses{"b@a.example", "b@sub.x.example", "B@x.example", "a@x.example", "Z@y.example", "a@Y.example"});
  CHECK(sorted({"b\"@\"c@x.example", "b@x.example", "local"}) == Addresses{"local", "b@x.example", "b\"@\"c@x.example"});
}
