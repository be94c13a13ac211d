#include "cleanup/addresses.h"

#include "lib/mail/address.h"

namespace cleanup {

Result<std::string> rewrite_internal(Addresses& addresses, const std::string& internal) {
  if (internal.empty()) return std::string();
  return mail::to_internal(TRY(addresses.rewrite(Context::local, mail::to_external(internal))));
}

}  // namespace cleanup
