#pragma once
// Maildir++ quota, as deliveries see it: who keeps the books is lib/store (quota_books.h), which knows how.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace mailbox {

// `root` is the Maildir that has the file maildirsize, opened. `limit`: "10000000S,1000C"; empty: the one in maildirsize, if there is
// such a file.
struct QuotaBooks {
  // EDQUOT: one more message of that many bytes has no room. Where there is no Maildir yet `root` is none.
  Result<void> (*check)(const Fd& root, std::string_view limit, std::int64_t bytes);
  // A message of that many bytes has been added.
  Result<void> (*note)(const Fd& root, std::string_view limit, std::int64_t bytes);
};

// What the sender hears, in Dovecot's words.
inline constexpr std::string_view quota_exceeded = "Quota exceeded (mailbox for user is full)";

// What a delivery is told of it.
struct QuotaRule {
  const QuotaBooks* books = nullptr;   // null: nobody keeps any
  std::string limit;
  bool is_temporary = false;           // quota_full_tempfail: what has no room now may have it later
};

}  // namespace mailbox
