#include "lib/mail/verp.h"

#include "lib/mail/address.h"

namespace mail {

std::string verp_sender(std::string_view delimiters, std::string_view sender, std::string_view recipient) {
  if (delimiters.size() != 2 || sender.empty()) return std::string(sender);
  const AddressParts from = split(sender), to = split(recipient);
  std::string made(from.local);
  made += delimiters[0];
  made += to.local;
  if (to.has_domain) (made += delimiters[1]) += to.domain;
  if (from.has_domain) (made += '@') += from.domain;
  return made;
}

}  // namespace mail
