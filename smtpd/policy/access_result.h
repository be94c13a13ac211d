#pragma once
// What access(5) tables, and policy servers, say: an action, or a list of restrictions.

#include "smtpd/policy/asking.h"

namespace smtpd::policy {

// Where a result comes from, for the log: 'access table hash:/etc/postfix/x entry "alice@example.com"'.
struct AccessEntry {
  std::string_view table, key;
};

// A permit may be too much for who asked: then the caller says so.
[[nodiscard]] Verdict access_result(const Question& question, const AccessEntry& entry, std::string_view value);

}  // namespace smtpd::policy
