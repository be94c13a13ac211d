#include "services/authd/passdb.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace authd {

Result<Passdb> Passdb::open(server::Startup& startup, std::string_view value, std::string_view pam_service) {
  std::vector<std::unique_ptr<PasswordSource>> sources;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) {
    constexpr std::string_view file = "passwd-file:", map = "map:";
    if (word == "pam") sources.push_back(make_pam(std::string(pam_service)));
    else if (word == "shadow") sources.push_back(make_shadow());
    else if (word.starts_with(file)) sources.push_back(TRY(make_passwd_file(std::string(word.substr(file.size())))));
    else if (word.starts_with(map)) sources.push_back(TRY(make_map(startup, std::string(word.substr(map.size())))));
    else return base::fail(fmt::format("auth_passdb: \"{}\" is no source of passwords: pam, shadow, passwd-file:PATH and map:TYPE:TABLE are", word));
  }
  if (sources.empty()) return base::fail("auth_passdb names no source of passwords");
  return Passdb(std::move(sources));
}

Result<Verdict> Passdb::check(const std::string& user, const std::string& password, const Asker& asker) {
  Verdict verdict = Verdict::unknown_user;
  std::optional<base::Error> error;
  for (const auto& source : sources_) {
    auto said = source->check(user, password, asker);
    if (!said) {
      if (!error) error = std::move(said).error();
      continue;
    }
    if (*said == Verdict::right) return Verdict::right;
    if (*said == Verdict::wrong) verdict = Verdict::wrong;
  }
  if (error) return base::Failure(std::move(*error));
  return verdict;
}

Result<std::optional<auth::StoredPassword>> Passdb::find(const std::string& user, std::optional<auth::ScramHash> hash, const Asker& asker) {
  std::optional<base::Error> error;
  for (const auto& source : sources_) {
    auto found = source->stored(user, asker);
    if (!found) {
      if (!error) error = std::move(found).error();
      continue;
    }
    if (!found->has_value()) continue;
    if ((*found)->plain() || (hash && (*found)->scram(*hash))) return found;
  }
  if (error) return base::Failure(std::move(*error));
  return std::nullopt;
}

bool Passdb::serves(Needs needs) const {
  return std::ranges::any_of(sources_, [&](const auto& source) { return source->serves(needs); });
}

}  // namespace authd
