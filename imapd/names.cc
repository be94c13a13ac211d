#include "imapd/names.h"

#include <algorithm>

#include "lib/store/names.h"

namespace imapd {

// INBOX is the same with and without the prefix; what is below it is "INBOX.x" in a namespace without a prefix, and with the prefix
// "INBOX." the mailbox x.
std::optional<std::string> Names::to_store(std::string_view written, imap::NameCoding coding) const {
  auto name = imap::decode_mailbox_name(written, coding);
  if (!name) return std::nullopt;
  std::string_view rest = *name;
  if (rest != store::inbox_name && !prefix_.empty()) {
    const std::string canonical = store::canonical_name(rest, separator_);
    if (!canonical.starts_with(prefix_)) return std::nullopt;
    name = canonical.substr(prefix_.size());
    rest = *name;
  }
  if (separator_ != store_separator_) {
    // The store's separator would make levels that the client did not mean.
    if (rest.contains(store_separator_)) return std::nullopt;
    std::ranges::replace(*name, separator_, store_separator_);
  }
  return store::canonical_name(*name, store_separator_);
}

std::string Names::from_store(std::string_view name) const {
  std::string out(name);
  if (separator_ != store_separator_) std::ranges::replace(out, store_separator_, separator_);
  return out == store::inbox_name ? out : prefix_ + out;
}

}  // namespace imapd
