#include "lib/ipc/addresses.h"

namespace ipc {

Result<AddressAnswer> Addresses::resolve(std::string_view sender, std::string_view recipient) {
  return ask({AddressQuestion::resolve, "", std::string(sender), std::string(recipient)});
}

Result<std::string> Addresses::rewrite(std::string_view rule, std::string_view address) {
  return TRY(ask({AddressQuestion::rewrite, std::string(rule), "", std::string(address)})).address;
}

Result<AddressAnswer> Addresses::ask(AddressRequest request) {
  // NUL cannot occur in any part: it ends an attribute on the wire.
  std::string key = (request.question == AddressQuestion::rewrite ? "w" : "r") + request.rule + '\0' + request.sender + '\0' + request.address;
  if (const AddressAnswer* const recent = kept_.find(key)) return *recent;

  AddressAnswer answer = TRY(services_.ask<AskAddress>(request));
  if (answer.status == ResolveStatus::fail) return answer;  // a failure is asked again
  kept_.keep(std::move(key), answer);
  return answer;
}

}  // namespace ipc
