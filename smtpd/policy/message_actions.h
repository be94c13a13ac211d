#pragma once
// What access tables and policy servers want done with the message: kept until its end, and told to cleanup(8) then.

#include <string>
#include <vector>

namespace smtpd::policy {

struct MessageActions {
  std::vector<std::string> prepended;  // header fields that go before all others
  std::vector<std::string> copies;     // BCC
  std::string filter, redirect;        // the last one counts
  bool is_held = false;
  bool is_discarded = false;           // nothing is asked about it any more
};

}  // namespace smtpd::policy
