#include "virtual/target.h"

#include <limits>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace virtual_agent {
namespace {

constexpr std::size_t path_limit = 4096;  // what a table may give

using Lookup = std::expected<maps::Found, Refused>;

Lookup look_up(const maps::Maps& maps, const Tables& tables, std::string_view recipient) {
  maps::AddressSearch search;
  search.delimiters = tables.delimiters;
  auto found = maps::find_address(maps, recipient, search, nullptr);
  if (!found) return std::unexpected(Refused{Refusal::failure, std::move(found).error().message()});
  return std::move(*found);
}

std::unexpected<Refused> misconfigured(std::string warning) { return std::unexpected(Refused{Refusal::settings, std::move(warning)}); }

// A user or group number of at least `minimum`. `what` is "uid".
std::expected<unsigned, Refused> find_id(const maps::Maps& maps, const Tables& tables, std::string_view recipient,
                                         std::string_view what, unsigned long minimum) {
  const Lookup found = look_up(maps, tables, recipient);
  if (!found) return std::unexpected(found.error());
  if (!*found) return misconfigured(fmt::format("recipient {}: not found in virtual_{}_maps", recipient, what));
  const auto number = ascii::parse_number(**found, std::numeric_limits<unsigned>::max() - 1);
  if (!number || *number < minimum) {
    return misconfigured(fmt::format("recipient {}: bad {} {} in virtual_{}_maps", recipient, what, **found, what));
  }
  return static_cast<unsigned>(*number);
}

}  // namespace

std::expected<Mailbox, Refused> find_mailbox(const Tables& tables, std::string_view recipient) {
  const Lookup found = look_up(tables.mailboxes, tables, recipient);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(Refused{Refusal::unknown, {}});

  const std::string& value = **found;
  const std::size_t start = value.find_first_not_of('/');
  if (start == std::string::npos || value.size() > path_limit || value.contains('\0')) {
    return misconfigured(fmt::format("recipient {}: bad path in virtual_mailbox_maps", recipient));
  }
  const std::size_t end = value.find_last_not_of('/') + 1;
  Mailbox box;
  box.path = value.substr(start, end - start);
  box.is_maildir = value.ends_with('/');
  for (const std::string_view part : ascii::split(box.path, "/")) {
    if (part == "..") return misconfigured(fmt::format("recipient {}: \"..\" in virtual_mailbox_maps result {}", recipient, value));
  }
  const auto uid = find_id(tables.uids, tables, recipient, "uid", static_cast<unsigned long>(tables.minimum_uid));
  if (!uid) return std::unexpected(uid.error());
  const auto gid = find_id(tables.gids, tables, recipient, "gid", 1);
  if (!gid) return std::unexpected(gid.error());
  box.owner = {static_cast<uid_t>(*uid), static_cast<gid_t>(*gid)};
  return box;
}

}  // namespace virtual_agent
