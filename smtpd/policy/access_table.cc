#include "smtpd/policy/access_table.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/maps/unavailable.h"
#include "smtpd/policy/policy.h"

namespace smtpd::policy {
namespace {

// A table that there is not has said so itself; one that always fails has no reason.
bool says_why(const maps::Table& table) {
  return dynamic_cast<const maps::UnavailableTable*>(&table) != nullptr || table.name().starts_with("fail:");
}

}  // namespace

std::optional<Verdict> AccessTable::key(std::string_view key, bool is_part) const {
  maps::Table& table = *question_.item.table;
  if (is_part && !table.has_fixed_keys()) return std::nullopt;
  const auto found = table.lookup(key);
  if (!found) {
    if (!says_why(table)) maillog::warning("{} is unavailable. {}", table.name(), found.error().message());
    maillog::warning("{} lookup error for \"{}\"", table.name(), key);
    return Verdict::refuse(refusal(question_, 451, "4.3.5", "Server configuration error"));
  }
  if (!*found) return std::nullopt;
  return access_result(question_, {table.name(), key}, **found);
}

std::optional<Verdict> AccessTable::host(std::string_view name) const {
  const std::string folded = ascii::lowercase(name);
  if (io::Address::parse(folded)) return key(folded);   // an address has no parents
  const bool parents_match = question_.policy.parents_match();
  std::string_view rest = folded;
  for (bool is_part = false;; is_part = true) {
    if (auto verdict = key(rest, is_part)) return verdict;
    const std::size_t dot = rest.find('.', rest.starts_with('.') ? 1 : 0);
    if (dot == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(parents_match ? dot + 1 : dot);
    if (rest.empty() || rest == ".") return std::nullopt;
  }
}

std::optional<Verdict> AccessTable::address(std::string_view address) const {
  const char separator = address.contains(':') ? ':' : '.';
  for (bool is_part = false;; is_part = true) {
    if (auto verdict = key(address, is_part)) return verdict;
    const std::size_t end = address.rfind(separator);
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    address = address.substr(0, end);
  }
}

std::optional<Verdict> AccessTable::mail(std::string_view address) const {
  const std::string folded = ascii::lowercase(address);
  const mail::AddressParts parts = mail::split(folded);
  const mail::Delimiters delimiters{question_.policy.params().recipient_delimiter, question_.policy.params().owner_request_special};
  const mail::LocalParts local = mail::split_extension(parts.local, delimiters);
  if (auto verdict = key(folded)) return verdict;
  if (local.has_extension) {
    if (auto verdict = key(fmt::format("{}@{}", local.user, parts.domain), true)) return verdict;
  }
  if (!question_.item.table->has_fixed_keys()) return std::nullopt;
  if (auto verdict = host(parts.domain)) return verdict;
  if (auto verdict = key(fmt::format("{}@", parts.local), true)) return verdict;
  return local.has_extension ? key(fmt::format("{}@", local.user), true) : std::nullopt;
}

}  // namespace smtpd::policy
