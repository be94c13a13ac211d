#include "services/oauthd/claims.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace oauthd {
namespace {

constexpr std::size_t shown = 100;
constexpr double far = 9e9;   // the year 2255, near the end of what a Stamp can hold; what ends later ends then

// RFC 7519 section 2, NumericDate: seconds, maybe with a fraction. None: something else stands there.
std::optional<Stamp> date_of(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const double seconds = value.get<double>();
  if (!std::isfinite(seconds) || seconds < 0) return std::nullopt;
  return Stamp(std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, far))));
}

// A string, or several of them.
std::vector<std::string> texts_of(const Json& claims, const char* name) {
  std::vector<std::string> out;
  const auto found = claims.find(name);
  if (found == claims.end()) return out;
  if (found->is_string()) return {found->get<std::string>()};
  if (!found->is_array()) return out;
  for (const Json& item : *found) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

bool has_one_of(const std::vector<std::string>& has, const std::vector<std::string>& wanted) {
  return std::ranges::any_of(wanted, [&](const std::string& one) { return std::ranges::find(has, one) != has.end(); });
}

// RFC 8693 section 4.2: words in one string; some servers write a list, or call it "scp".
std::vector<std::string> scopes_of(const Json& claims) {
  std::vector<std::string> out;
  for (const char* name : {"scope", "scp"}) {
    for (const std::string& text : texts_of(claims, name)) {
      for (const std::string_view word : ascii::split(text, " ")) out.emplace_back(word);
    }
  }
  return out;
}

// Why the token does not count now; empty when it does.
std::string wrong_time(const Json& claims, Source source, const Demands& demands, Stamp now, std::optional<Stamp>& ends) {
  if (const auto found = claims.find("exp"); found != claims.end()) {
    ends = date_of(*found);
    if (!ends) return "the claim exp is no date";
    if (now >= *ends + demands.leeway) return "expired";
  } else if (source == Source::jwt) {
    return "no claim exp";
  }
  if (const auto found = claims.find("nbf"); found != claims.end()) {
    const auto begins = date_of(*found);
    if (!begins) return "the claim nbf is no date";
    if (now + demands.leeway < *begins) return "not valid yet";
  }
  return {};
}

}  // namespace

Judgement judge(const Json& claims, Source source, const Demands& demands, Stamp now) {
  Judgement out;
  const auto refuse = [&](std::string why) {
    out.why = std::move(why);
    return out;
  };
  if (auto why = wrong_time(claims, source, demands, now, out.ends); !why.empty()) return refuse(std::move(why));
  if (!demands.issuers.empty() && !has_one_of({text_of(claims, "iss")}, demands.issuers)) return refuse("of another issuer");
  if (!demands.audiences.empty() && !has_one_of(texts_of(claims, "aud"), demands.audiences)) return refuse("for another audience");
  const std::string user = text_of(claims, demands.username_claim);
  if (user.empty()) return refuse(fmt::format("no claim {} that names a user", demands.username_claim.substr(0, shown)));
  out.user = user;
  const std::vector<std::string> scopes = scopes_of(claims);
  for (const std::string& wanted : demands.scopes) {
    if (std::ranges::find(scopes, wanted) != scopes.end()) continue;
    out.verdict = ipc::TokenVerdict::insufficient_scope;
    return refuse(fmt::format("without the scope {}", wanted.substr(0, shown)));
  }
  out.verdict = ipc::TokenVerdict::valid;
  return out;
}

}  // namespace oauthd
