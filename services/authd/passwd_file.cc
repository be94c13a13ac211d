#include "services/authd/passwd_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/auth/password.h"
#include "lib/base/ascii.h"

namespace authd {
namespace {

// Behind the shell there may be more colons.
constexpr std::size_t uid_field = 2, gid_field = 3, home_field = 5, extra_field = 7;

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() < extra_field) {
    const std::size_t colon = line.find(':');
    fields.push_back(line.substr(0, colon));
    if (colon == std::string_view::npos) return fields;
    line.remove_prefix(colon + 1);
  }
  fields.push_back(line);
  return fields;
}

Result<void> read_extra(std::string_view extra, PasswdEntry& entry) {
  for (const std::string_view word : ascii::split(extra, " \t")) {
    constexpr std::string_view networks = "allow_nets=";
    if (word == "nologin" || word.starts_with("nologin=")) entry.may_log_in = false;
    if (!word.starts_with(networks)) continue;
    for (const std::string_view network : ascii::split(word.substr(networks.size()), ",")) {
      // "local" is who has no address.
      if (network != "local") entry.allowed.push_back(TRY(maps::Network::parse(network)));
    }
    // An empty list lets nobody in.
    if (entry.allowed.empty()) entry.may_log_in = false;
  }
  return {};
}

}  // namespace

bool PasswdEntry::lets_in(std::string_view address) const {
  if (!may_log_in) return false;
  if (allowed.empty()) return true;
  const auto binary = maps::BinaryAddress::parse(address);
  return binary && std::ranges::any_of(allowed, [&](const maps::Network& network) { return network.contains(*binary); });
}

Result<PasswdFile> PasswdFile::parse(std::string_view text) {
  PasswdFile out;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = ascii::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const auto fields = fields_of(line);
    // No line of the file may turn off what another says: the first of a user counts.
    if (fields.size() < 2 || fields[0].empty()) return base::fail(fmt::format("line {}: needs user:password", number));
    PasswdEntry entry;
    entry.password = fields[1];
    const auto field = [&](std::size_t which) { return fields.size() > which ? fields[which] : std::string_view(); };
    entry.uid = field(uid_field);
    entry.gid = field(gid_field);
    entry.home = field(home_field);
    entry.extra = field(extra_field);
    if (fields.size() > extra_field) {
      if (auto read = read_extra(fields[extra_field], entry); !read) {
        return base::Failure(std::move(read).error().within(fmt::format("line {}", number)));
      }
    }
    if (const auto password = auth::StoredPassword::parse(entry.password)) {
      out.has_plain_ |= password->plain().has_value();
      out.has_secret_ |= password->scram(auth::ScramHash::sha1) || password->scram(auth::ScramHash::sha256);
    }
    out.entries_.try_emplace(std::string(fields[0]), std::move(entry));
  }
  return out;
}

const PasswdEntry* PasswdFile::find(const std::string& user) const {
  const auto found = entries_.find(user);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace authd
