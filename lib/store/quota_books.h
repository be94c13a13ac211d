#pragma once
// The books of Maildir++ quota (quota.h) as deliveries keep them, and what limit they are told.

#include <string>
#include <string_view>

#include "lib/mail/address.h"
#include "lib/mailbox/quota_rule.h"
#include "lib/maps/table.h"
#include "lib/store/quota.h"

namespace store {

// For workers (lib/mailbox).
extern const mailbox::QuotaBooks quota_books;

// mail_quota and mail_quota_maps: how much mail a user may have.
class QuotaRules {
 public:
  QuotaRules() = default;
  // The error: a table that cannot be opened, or a quota that is none.
  [[nodiscard]] static Result<QuotaRules> open(maps::Tables& tables, std::string_view mail_quota, std::string_view mail_quota_maps,
                                               mail::Delimiters delimiters = {});

  // Of a user by his name, or by an address with or without an extension: for QuotaRule's `limit`. `rule`: the user database's, which
  // counts if there is one. The error: nobody can tell now, or what is said is no quota.
  [[nodiscard]] Result<std::string> of(std::string_view user, std::string_view rule = {}) const;

 private:
  std::string limit_;   // for who is in no table
  maps::Maps maps_;
  mail::Delimiters delimiters_;
};

}  // namespace store
