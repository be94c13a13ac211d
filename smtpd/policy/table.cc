// The names of the restriction language. A new restriction is a row here and a function in its family's file.

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"
#include "smtpd/policy/restriction.h"

namespace smtpd::policy {
namespace {

constexpr std::array rows{
    //  name                          check                        guard
    Row{"defer",                      &defer,                      Guard::relay},
    Row{"defer_unauth_destination",   &defer_unauth_destination,   Guard::relay},
    Row{"permit",                     &permit,                     Guard::none},
    Row{"permit_auth_destination",    &permit_auth_destination,    Guard::none},
    Row{"permit_mynetworks",          &permit_mynetworks,          Guard::none},
    Row{"permit_sasl_authenticated",  &permit_sasl_authenticated,  Guard::none},
    Row{"reject",                     &reject,                     Guard::relay},
    Row{"reject_unauth_destination",  &reject_unauth_destination,  Guard::relay},
    Row{"reject_unlisted_recipient",  &reject_unlisted_recipient,  Guard::none},
    Row{"reject_unlisted_sender",     &reject_unlisted_sender,     Guard::none},
};

static_assert(std::ranges::is_sorted(rows, {}, &Row::name));

}  // namespace

const Row* find_row(std::string_view name) {
  const auto found = std::ranges::find_if(rows, [&](const Row& row) { return ascii::equal_ignoring_case(row.name, name); });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace smtpd::policy
