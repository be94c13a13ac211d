#include "cleanup/recipients.h"

#include <algorithm>

#include "cleanup/alias.h"
#include "lib/base/ascii.h"
#include "lib/mail/dsn_parameters.h"

namespace cleanup {

Result<void> Recipients::add(const GivenRecipient& given, const std::string& address, Options options) {
  const std::string& original = given.original.empty() ? given.address : given.original;
  const std::string dsn_original = given.dsn_original.empty() ? mail::default_orcpt(address, options.smtputf8) : given.dsn_original;
  notify_seen_ |= given.notify;
  if (!options.map) {
    write(address, original, dsn_original, given.notify);
    return {};
  }
  const std::vector<std::string> targets = TRY(expand_aliases(addresses_, policy_, address));
  int notify = given.notify;
  const bool is_same = targets.size() == 1 && targets.front() == address;
  if (!is_same && (notify & mail::notify::success) != 0) {
    expanded_.push_back({address, dsn_original, notify});
    notify = mail::notify::without_success(notify);
  }
  for (const std::string& target : targets) write(target, original, dsn_original, notify);
  return {};
}

Result<void> Recipients::add_copy(const std::string& address) {
  for (const std::string& target : TRY(expand_aliases(addresses_, policy_, address))) {
    write(target, address, {}, mail::notify::never);
  }
  return {};
}

Result<void> Recipients::add_by_milter(const std::string& address, const std::string& dsn_original, int notify) {
  notify_seen_ |= notify;
  for (const std::string& target : TRY(expand_aliases(addresses_, policy_, address))) write(target, address, dsn_original, notify);
  return {};
}

void Recipients::write(const std::string& address, const std::string& original, const std::string& dsn_original,
                       int notify) {
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
