#include "cleanup/alias.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/header_addresses.h"

namespace cleanup {
namespace {

constexpr std::string_view not_accepted = "message not accepted, try again later";
constexpr std::string_view parameter = "virtual_alias_maps";
constexpr std::size_t shown_length = 300;  // bytes of an over-long result in the log

// "user@domain" with "+ext" is "user+ext@domain". An address that has the extension at its end already keeps one.
std::string with_extension(const std::string& internal, const std::string& extension) {
  const mail::AddressParts parts = mail::split(internal);
  if (parts.local.ends_with(extension)) return internal;
  std::string out(parts.local);
  out += extension;
  if (parts.has_domain) out.append("@").append(parts.domain);
  return out;
}

// The addresses of one table result. "@domain" stands for the same user there.
Result<std::vector<std::string>> results_of(Addresses& addresses, const Policy& policy, const std::string& asked,
                                            const Alias& alias) {
  const auto parsed = mail::HeaderAddresses::parse(alias.text, policy.header_address_token_limit);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    std::string external = parsed[i];
    const bool is_domain = external.starts_with("\"\"@") || external.starts_with('@');
    if (is_domain) {
      external = mail::to_external(std::string(mail::split(asked).local) + external.substr(external.find('@')));
    }
    std::string internal = mail::to_internal(TRY(addresses.rewrite(Context::local, external)));
    if (policy.propagate_extension && !alias.extension.empty() && !is_domain) {
      internal = with_extension(internal, alias.extension);
    }
    out.push_back(std::move(internal));
  }
  if (out.empty()) {
    maillog::warning("{} lookup of {} returns non-address result \"{}\"", parameter, asked, alias.text);
    return base::fail(fmt::format("{} map lookup problem for {} -- {}", parameter, asked, not_accepted));
  }
  return out;
}

// One step: looks list[at] up and puts what it stands for into the list. False when it stands for itself.
Result<bool> expand_once(Addresses& addresses, const Policy& policy, std::vector<std::string>& list, std::size_t at,
                         std::vector<std::string>& own_aliases) {
  const auto is_same = [&](const std::string& other) { return ascii::equal_ignoring_case(other, list[at]); };
  if (std::ranges::any_of(own_aliases, is_same)) return false;
  auto alias = addresses.alias(list[at]);
  if (!alias) {
    maillog::warning("{}", alias.error().message());
    return base::fail(fmt::format("{} map lookup problem for {} -- {}", parameter, list[at], not_accepted));
  }
  if (!*alias) return false;
  std::vector<std::string> results = TRY(results_of(addresses, policy, list[at], **alias));
  if (list.size() + results.size() > policy.alias.expansion + 1) {
    return base::fail(fmt::format("unreasonable {} map expansion size for {} -- {}", parameter, list[at], not_accepted));
  }
  for (const std::string& result : results) {
    if (result.size() <= policy.alias.address_length) continue;
    return base::fail(
        fmt::format("unreasonable {} result {}... -- {}", parameter, result.substr(0, shown_length), not_accepted));
  }
  // An address among its own aliases is final, wherever it stands.
  const bool is_final = std::erase_if(results, is_same) > 0;
  if (is_final) own_aliases.push_back(list[at]);
  else std::swap(list[at], results.front());
  for (std::size_t i = is_final ? 0 : 1; i < results.size(); ++i) list.push_back(std::move(results[i]));
  return !is_final;
}

}  // namespace

Result<std::vector<std::string>> expand_aliases(Addresses& addresses, const Policy& policy,
                                                const std::string& recipient) {
  std::vector<std::string> list{recipient};
  std::vector<std::string> own_aliases;  // found to stand for themselves
  for (std::size_t at = 0; at < list.size(); ++at) {
    std::size_t lookups = 0;
    while (TRY(expand_once(addresses, policy, list, at, own_aliases))) {
      if (++lookups < policy.alias.recursion) continue;
      return base::fail(fmt::format("unreasonable {} map nesting for {} -- {}", parameter, recipient, not_accepted));
    }
  }
  return list;
}

}  // namespace cleanup
