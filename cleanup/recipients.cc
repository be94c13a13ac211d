#include "cleanup/recipients.h"

#include <algorithm>

#include "cleanup/alias.h"
#include "lib/base/ascii.h"
#include "lib/mail/address.h"

namespace cleanup {
namespace {

// ORCPT of a recipient whose client gave none (RFC 3461 section 4.2, RFC 6533 section 3).
std::string default_dsn_original(const std::string& address, bool smtputf8) {
  return (smtputf8 && !ascii::is_ascii(address) ? "utf-8;" : "rfc822;") + mail::to_external(address);
}

}  // namespace

Result<void> Recipients::add(const GivenRecipient& given, const std::string& completed, const std::string& address,
                             Options options) {
  const std::string& original = given.original.empty() ? given.address : given.original;
  const std::string dsn_original =
      given.dsn_original.empty() ? default_dsn_original(completed, options.smtputf8) : given.dsn_original;
  notify_seen_ |= given.notify;
  if (!options.map) {
    write(address, original, dsn_original, given.notify);
    return {};
  }
  const std::vector<std::string> targets = TRY(expand_aliases(addresses_, policy_, address));
  unsigned notify = given.notify;
  const bool is_same = targets.size() == 1 && targets.front() == address;
  if (!is_same && (notify & notify_success) != 0) {
    expanded_.push_back({address, dsn_original, notify});
    notify &= ~notify_success;
    if (notify == 0) notify = notify_never;
  }
  for (const std::string& target : targets) write(target, original, dsn_original, notify);
  return {};
}

Result<void> Recipients::add_copy(const std::string& address) {
  for (const std::string& target : TRY(expand_aliases(addresses_, policy_, address))) {
    write(target, address, {}, notify_never);
  }
  return {};
}

void Recipients::write(const std::string& address, const std::string& original, const std::string& dsn_original,
                       unsigned notify) {
  // With enable_original_recipient the same mailbox may be written for several originals: each has its own notice.
  std::string key = address;
  if (policy_.enable_original_recipient) {
    key.append(1, '\0').append(original).append(1, '\0').append(dsn_original).append(1, '\0').append(std::to_string(notify));
  }
  if (!duplicates_.add(key)) return;
  if (notify != 0) output_.put_attribute("notify_flags", std::to_string(notify));
  if (!dsn_original.empty()) output_.put_attribute("dsn_orig_rcpt", dsn_original);
  output_.put(queue::RecordType::original_recipient, original);
  output_.put(queue::RecordType::recipient, address);
  if (!ascii::is_ascii(address)) has_utf8_ = true;
  ++count_;
}

}  // namespace cleanup
