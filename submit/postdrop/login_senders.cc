#include "submit/postdrop/login_senders.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/ipc/connections.h"
#include "lib/log/log.h"
#include "lib/maps/table.h"

namespace postdrop {
namespace {

bool matches(std::string_view pattern, std::string_view sender, const LoginSenderRules& rules) {
  if (pattern == "*") return true;
  if (pattern == rules.empty_address) return sender.empty();
  if (sender.empty()) return false;
  const mail::AddressParts parts = mail::split(sender);
  if (pattern.starts_with('@')) return parts.has_domain && ascii::equal_ignoring_case(pattern.substr(1), parts.domain);
  std::string plain(mail::split_extension(parts.local, rules.delimiters).user);
  if (parts.has_domain) plain.append(1, '@').append(parts.domain);
  return ascii::equal_ignoring_case(pattern, plain);
}

}  // namespace

bool allows(std::string_view patterns, std::string_view sender, const LoginSenderRules& rules) {
  return std::ranges::any_of(ascii::split(patterns, ", \t\r\n"),
                             [&](std::string_view pattern) { return matches(pattern, sender, rules); });
}

Result<AllowedSenders> allowed_senders(const config::Main& main, const submit::User& user, const LoginSenderRules& rules) {
  ipc::Connections services;
  maps::Tables::Options options = TRY(maps::Tables::Options::of(main));
  options.config_directory = main.directory();
  options.services = &services;
  maps::Tables tables(std::move(options));
  const auto maps = TRY(maps::Maps::open(tables, "local_login_sender_maps", rules.maps, maps::Flags::none));
  auto found = maps.lookup(user.has_name ? user.name : fmt::format("uid:{}", user.uid));
  if (!found) {
    maillog::warning("{}", found.error().message());
    return AllowedSenders{.patterns = {}, .lookup_failed = true};
  }
  return AllowedSenders{.patterns = found->value_or(""), .lookup_failed = false};
}

}  // namespace postdrop
