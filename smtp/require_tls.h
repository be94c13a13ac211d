#pragma once
// REQUIRETLS (RFC 8689): what a destination must offer before a message goes there whose sender asked for it (smtp_requiretls_policy).

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/maps/table.h"

namespace smtp {

// In the order of their strength.
enum class RequireTls {
  not_asked,               // or nobody heeds it
  opportunistic,           // the server is asked for it where it can
  opportunistic_starttls,  // and has TLS in any case
  enforce,                 // its certificate must match, and it must offer REQUIRETLS
};

class RequireTlsPolicy {
 public:
  RequireTlsPolicy() = default;
  // `parameter` is named in what is logged. An action that there is not is an error of the look-ups that come to it.
  static Result<RequireTlsPolicy> open(maps::Tables& tables, const std::string& parameter, const std::string& value);

  // Of the next hop `host`, in ASCII form and without port. The error is logged.
  [[nodiscard]] Result<RequireTls> find(std::string_view host) const;

 private:
  std::string parameter_;
  struct Item {
    std::string text;
    maps::Maps table;   // of actions; empty: the text is one
  };
  std::vector<Item> items_;
};

}  // namespace smtp
