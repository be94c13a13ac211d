#pragma once
// Looking something up in an access(5) table, in Postfix's order: the whole first, then its parts, of which only tables of
// fixed keys are asked.

#include <optional>

#include "smtpd/policy/access_result.h"

namespace smtpd::policy {

class AccessTable {
 public:
  explicit AccessTable(const Question& question) : question_(question) {}

  // Each: what the first entry that is there says, or that the table cannot be asked; none when there is no entry.
  [[nodiscard]] std::optional<Verdict> key(std::string_view key, bool is_part = false) const;
  // The name, and its parents.
  [[nodiscard]] std::optional<Verdict> host(std::string_view name) const;
  // The address, and the networks that it is in: 192.0.2.1, 192.0.2, 192.0, 192; 2001:db8::1, 2001:db8:, 2001:db8, 2001.
  [[nodiscard]] std::optional<Verdict> address(std::string_view address) const;
  // user+ext@domain, user@domain, domain and its parents, user+ext@, user@. A mail address in internal form.
  [[nodiscard]] std::optional<Verdict> mail(std::string_view address) const;

 private:
  const Question& question_;
};

}  // namespace smtpd::policy
