#include "lib/ipc/addresses.h"

namespace ipc {

Result<AddressAnswer> Addresses::resolve(std::string_view sender, std::string_view recipient) {
  return ask({AddressQuestion::resolve, "", std::string(sender), std::string(recipient)});
}

Result<AddressAnswer> Addresses::resolve_probe(std::string_view sender, std::string_view recipient) {
  return ask({AddressQuestion::resolve_probe, "", std::string(sender), std::string(recipient)});
}

Result<std::string> Addresses::rewrite(std::string_view rule, std::string_view address) {
  return TRY(ask({AddressQuestion::rewrite, std::string(rule), "", std::string(address)})).address;
}

Result<AddressAnswer> Addresses::ask(AddressRequest request) {
  // NUL cannot occur in any part: it ends an attribute on the wire.
  const char* const kind = request.question == AddressQuestion::rewrite ? "w" : request.question == AddressQuestion::resolve ? "r" : "p";
  std::string key = std::string(kind).append(request.rule) + '\0' + request.sender + '\0' + request.address;
  if (const AddressAnswer* const recent = kept_.find(key)) return *recent;

  AddressAnswer answer = TRY(services_.ask_at<AskAddress>(socket_, request));
  if (answer.status == ResolveStatus::fail) return answer;  // a failure is asked again
  kept_.keep(std::move(key), answer);
  return answer;
}

}  // namespace ipc
