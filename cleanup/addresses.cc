#include "cleanup/addresses.h"

#include "lib/mail/address.h"

namespace cleanup {

std::string_view parameter_name(AddressTable table) {
  switch (table) {
    case AddressTable::virtual_alias: return "virtual_alias_maps";
    case AddressTable::canonical: return "canonical_maps";
    case AddressTable::sender_canonical: return "sender_canonical_maps";
    case AddressTable::recipient_canonical: return "recipient_canonical_maps";
    case AddressTable::sender_bcc: return "sender_bcc_maps";
    case AddressTable::recipient_bcc: return "recipient_bcc_maps";
  }
  return {};
}

Result<std::string> rewrite_internal(Addresses& addresses, const std::string& internal) {
  if (internal.empty()) return std::string();
  return mail::to_internal(TRY(addresses.rewrite(Context::local, mail::to_external(internal))));
}

}  // namespace cleanup
