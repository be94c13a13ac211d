#pragma once
// Courier's files, in the forms that courier.h tells, made of what is known here: for a site that goes (back) to Courier.

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/store/account.h"
#include "lib/store/uidl_format.h"

namespace store {

struct CourierExport {
  std::size_t messages = 0;
  std::size_t without_uidl = 0;  // theirs is none that Courier could have given: it will give them another
};

// courierimapuiddb and courierimapkeywords of one mailbox, and of an INBOX courierpop3dsizelist. `format`: the UIDLs of messages
// for which the mailbox keeps none. Neither Courier nor anybody else may change the mailbox meanwhile.
[[nodiscard]] Result<CourierExport> export_to_courier(Account& account, const std::string& name, const UidlFormat& format);

// courierimapsubscribed.
[[nodiscard]] Result<void> export_subscriptions_to_courier(Account& account);

// A UIDL as Courier keeps it: "UID5-1700000000", "UID5", or the message's file, which has no numbers.
struct CourierUidl {
  std::uint64_t number = 0, validity = 0;
  bool operator==(const CourierUidl&) const = default;
};
[[nodiscard]] std::optional<CourierUidl> as_courier_uidl(std::string_view uidl, std::string_view base);

}  // namespace store
