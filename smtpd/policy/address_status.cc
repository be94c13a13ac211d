#include "smtpd/policy/address_status.h"

#include <iterator>

namespace smtpd::policy {
namespace {

constexpr int about_addresses = 1;  // RFC 3463 section 3.2: the subject

struct Row {
  int of_sender, of_recipient;  // for the detail that is the row's number
};
// Bad mailbox is bad sender's mailbox, bad system is bad sender's system.
constexpr Row rows[] = {{0, 0}, {7, 1}, {8, 2}, {7, 3}, {7, 4}, {0, 5}, {7, 6}, {7, 3}, {8, 2}};

}  // namespace

mail::Dsn status_for(AddressEnd end, const mail::Dsn& status) {
  if (status.subject() != about_addresses) return status;
  const auto detail = static_cast<std::size_t>(status.detail());
  const Row row = detail < std::size(rows) ? rows[detail] : Row{0, 0};
  return {status.cls(), about_addresses, end == AddressEnd::sender ? row.of_sender : row.of_recipient};
}

}  // namespace smtpd::policy
