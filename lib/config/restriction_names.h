#pragma once
// The names of smtpd's restriction language. smtpd has a function for each; here they are known to those who must tell the
// administrator.

#include <string>
#include <string_view>
#include <vector>

namespace config {

// Case does not count.
[[nodiscard]] bool is_restriction_name(std::string_view name);

// The parameters that hold restriction lists.
inline constexpr std::string_view restriction_lists[] = {
    "smtpd_client_restrictions",    "smtpd_data_restrictions",      "smtpd_end_of_data_restrictions",
    "smtpd_etrn_restrictions",      "smtpd_helo_restrictions",      "smtpd_recipient_restrictions",
    "smtpd_relay_restrictions",     "smtpd_sender_restrictions",
};

// The items of a list value: separated by comma or white space; one in braces is one item, braces included. The views
// point into `value`.
[[nodiscard]] std::vector<std::string_view> list_items(std::string_view value);

}  // namespace config
