#include "lib/imap/session_arguments.h"

#include "lib/base/ascii.h"

namespace imap {

Result<LoginArguments> LoginArguments::parse(Values values) {
  const auto user = values.take_astring(), password = values.take_astring();
  if (!user || !password || !values.empty()) return base::fail("Invalid arguments");
  return LoginArguments{.user = std::string(*user), .password = std::string(*password)};
}

Result<AuthenticateArguments> AuthenticateArguments::parse(Values values) {
  const auto mechanism = values.take_astring();
  if (!mechanism) return base::fail("Invalid arguments");
  AuthenticateArguments arguments{.mechanism = ascii::uppercase(*mechanism)};
  if (values.empty()) return arguments;
  const auto initial = values.take_atom();
  if (!initial || !values.empty()) return base::fail("Invalid arguments");
  arguments.initial = *initial;
  return arguments;
}

Result<std::vector<std::string>> parse_enable(Values values) {
  std::vector<std::string> names;
  for (const Value value : values) {
    if (!value.is_atom() || names.size() == enable_limit) return base::fail("Invalid arguments");
    names.push_back(ascii::uppercase(value.text()));
  }
  return names;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_id(Values values) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto list = values.take_list();
  if (!list) {
    if (values.empty() || values.front().is_nil()) return pairs;
    return base::fail("Invalid ID parameters");
  }
  for (Values rest = *list; !rest.empty();) {
    const Value name = *rest.take();
    const auto value = rest.take();
    if (!name.is_string() || (value && !value->is_string() && !value->is_nil())) return base::fail("Invalid ID parameters");
    // What is beyond is left out, as it only informs.
    if (!value || value->is_nil() || pairs.size() == id_pairs_limit) continue;
    pairs.emplace_back(name.text().substr(0, id_key_size_max), value->text().substr(0, id_value_size_max));
  }
  return pairs;
}

Result<std::string> parse_compress(Values values) {
  const auto mechanism = values.take_atom();
  if (!mechanism || !values.empty()) return base::fail("Invalid arguments");
  return ascii::uppercase(*mechanism);
}

Result<SetQuotaArguments> SetQuotaArguments::parse(Values values) {
  const auto root = values.take_astring();
  auto list = values.take_list();
  if (!root || !list) return base::fail("Invalid arguments");
  SetQuotaArguments arguments{.root = std::string(*root)};
  while (!list->empty()) {
    const auto name = list->take_atom(), number = list->take_atom();
    const auto limit = number ? ascii::parse_number(*number, INT64_MAX) : std::nullopt;
    if (!name || !limit || arguments.limits.size() == quota_resources_limit) return base::fail("Invalid arguments");
    arguments.limits.emplace_back(ascii::uppercase(*name), *limit);
  }
  return arguments;
}

}  // namespace imap
