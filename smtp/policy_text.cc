#include "smtp/policy_text.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/maps/list.h"

namespace smtp {
namespace {

struct LevelName {
  std::string_view name;
  TlsLevel level;
};

constexpr std::array level_names{
    LevelName{"none", TlsLevel::none},           LevelName{"may", TlsLevel::may},
    LevelName{"encrypt", TlsLevel::encrypt},     LevelName{"fingerprint", TlsLevel::fingerprint},
    LevelName{"verify", TlsLevel::verify},       LevelName{"secure", TlsLevel::secure},
    LevelName{"dane", TlsLevel::dane},           LevelName{"dane-only", TlsLevel::dane_only},
};

constexpr std::string_view blanks = ", \t\r\n";

std::vector<std::string> words(std::string_view list, std::string_view separators) {
  std::vector<std::string> out;
  for (const std::string_view word : ascii::split(list, separators)) out.emplace_back(word);
  return out;
}

struct Attribute {
  std::string_view name, value;
};

// "name=value", or in braces, with blanks around each.
Result<Attribute> read_attribute(std::string_view item) {
  std::string_view text = item;
  if (item.starts_with('{')) {
    const auto inside = maps::without_braces(item);
    if (!inside) {
      std::string_view shown = item.substr(1);
      while (!shown.empty() && ascii::is_space(shown.front())) shown.remove_prefix(1);
      return base::fail(fmt::format("malformed attribute/value pair \"{}\": {}", shown, inside.error().message()));
    }
    text = *inside;
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return base::fail(fmt::format("malformed attribute/value pair \"{}\": missing '=' after attribute name", text));
  }
  const Attribute read{ascii::trim(text.substr(0, equals)), ascii::trim(text.substr(equals + 1))};
  if (read.value.empty()) return base::fail(fmt::format("attribute \"{}\" has empty value", read.name));
  return read;
}

// Adds attribute after attribute to the policy of a level.
class Reader {
 public:
  Reader(TlsPolicy policy, std::string_view level) : policy_(std::move(policy)), level_(level) {}

  Result<void> take(const Attribute& attribute) {
    const std::string value(attribute.value);
    const auto is = [&](std::string_view word) { return ascii::equal_ignoring_case(attribute.name, word); };
    if (is("match")) return take_match(attribute);
    if (is("tafile")) return take_anchor_file(attribute);
    if (is("policy_string")) return add(policy_.external.strings, value);
    if (is("mx_host_pattern")) return add(policy_.external.mx_patterns, value);
    if (!is_known_once(attribute.name)) return base::fail(fmt::format("invalid attribute name: \"{}\"", attribute.name));
    if (!seen_.insert(ascii::lowercase(attribute.name)).second) return base::fail(fmt::format("attribute \"{}\" is specified multiple times", attribute.name));
    if (is("protocols")) policy_.protocols = value;
    else if (is("ciphers")) policy_.ciphers = value;
    else if (is("exclude")) policy_.exclude = value;
    else if (is("servername")) policy_.server_name = value;
    else if (is("connection_reuse")) policy_.reuses_connections = TRY(yes_or_no(attribute));
    else if (is("enable_rpk")) policy_.wants_raw_key = TRY(yes_or_no(attribute));
    else if (is("policy_type")) return take_type(attribute);
    else if (is("policy_domain")) policy_.external.domain = value;
    else if (is("policy_ttl")) return take_ttl(attribute);
    else return take_failure(attribute);
    return {};
  }

  Result<TlsPolicy> finish() && {
    const ExternalPolicy& external = policy_.external;
    if (external.type == ExternalPolicy::Type::none && (external != ExternalPolicy{} || seen_.contains("policy_ttl"))) {
      return base::fail("built-in policy has unexpected attribute policy_ttl, policy_domain, policy_string, mx_host_pattern or policy_failure");
    }
    return std::move(policy_);
  }

 private:
  static bool is_known_once(std::string_view name) {
    static constexpr std::array names{"protocols",  "ciphers",     "exclude",       "servername", "connection_reuse",
                                      "enable_rpk", "policy_type", "policy_domain", "policy_ttl", "policy_failure"};
    return std::ranges::any_of(names, [&](std::string_view known) { return ascii::equal_ignoring_case(known, name); });
  }

  static Result<bool> yes_or_no(const Attribute& attribute) {
    if (ascii::equal_ignoring_case(attribute.value, "yes")) return true;
    if (ascii::equal_ignoring_case(attribute.value, "no")) return false;
    return base::fail(fmt::format("attribute \"{}\" has bad value: \"{}\"", attribute.name, attribute.value));
  }

  static Result<void> add(std::vector<std::string>& list, std::string value) {
    list.push_back(std::move(value));
    return {};
  }

  [[nodiscard]] base::Failure invalid_here(const Attribute& attribute) const {
    return base::fail(fmt::format("attribute \"{}\" invalid at security level \"{}\"", attribute.name, level_));
  }

  static base::Failure unexpected(const Attribute& attribute) {
    return base::fail(fmt::format("attribute \"{}\" has an unexpected value: \"{}\"", attribute.name, attribute.value));
  }

  // The first one is in place of what main.cf says; and so for tafile.
  Result<void> take_match(const Attribute& attribute) {
    if (!policy_.must_match() || policy_.is_dane()) return invalid_here(attribute);
    if (seen_.insert("match").second) policy_.match.clear();
    const std::string_view separators = policy_.level == TlsLevel::fingerprint ? "|" : ":";
    for (std::string& word : words(attribute.value, separators)) policy_.match.push_back(std::move(word));
    return {};
  }

  Result<void> take_anchor_file(const Attribute& attribute) {
    if (policy_.level < TlsLevel::verify) return invalid_here(attribute);
    if (seen_.insert("tafile").second) policy_.anchor_files.clear();
    return add(policy_.anchor_files, std::string(attribute.value));
  }

  Result<void> take_type(const Attribute& attribute) {
    using Type = ExternalPolicy::Type;
    if (ascii::equal_ignoring_case(attribute.value, "sts")) policy_.external.type = Type::sts;
    else if (ascii::equal_ignoring_case(attribute.value, "no-policy-found")) policy_.external.type = Type::not_found;
    else return unexpected(attribute);
    return {};
  }

  static Result<void> take_ttl(const Attribute& attribute) {
    if (std::ranges::all_of(attribute.value, ascii::is_digit)) return {};
    return base::fail(fmt::format("attribute \"{}\" has a malformed value: \"{}\"", attribute.name, attribute.value));
  }

  Result<void> take_failure(const Attribute& attribute) {
    static constexpr std::array known{"sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid", "validation-failure"};
    const auto found = std::ranges::find_if(known, [&](std::string_view word) { return ascii::equal_ignoring_case(word, attribute.value); });
    if (found == known.end()) return unexpected(attribute);
    policy_.external.failure = *found;
    return {};
  }

  TlsPolicy policy_;
  std::string_view level_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace

std::optional<TlsLevel> level_of(std::string_view name) {
  for (const LevelName& each : level_names) {
    if (ascii::equal_ignoring_case(each.name, name)) return each.level;
  }
  return std::nullopt;
}

std::string_view name_of(TlsLevel level) {
  for (const LevelName& each : level_names) {
    if (each.level == level) return each.name;
  }
  return "halfdane";   // in no table
}

TlsPolicy of_level(TlsLevel level, const Params& params) {
  TlsPolicy policy{.level = level, .reuses_connections = params.smtp_tls_connection_reuse, .wants_raw_key = params.smtp_tls_enable_rpk};
  switch (level) {
    case TlsLevel::fingerprint: policy.match = words(params.smtp_tls_fingerprint_cert_match, ", \t\r\n|"); break;
    case TlsLevel::verify: policy.match = words(params.smtp_tls_verify_cert_match, ", \t\r\n:"); break;
    case TlsLevel::secure: policy.match = words(params.smtp_tls_secure_cert_match, ", \t\r\n:"); break;
    default: break;
  }
  if (level >= TlsLevel::verify) policy.anchor_files = words(params.smtp_tls_trust_anchor_file, blanks);
  return policy;
}

Result<TlsPolicy> read_policy(std::string_view text, const Params& params, const std::function<void(const std::string&)>& warn) {
  const auto items = maps::split_list(text);
  if (items.empty()) return base::fail("empty policy");
  const auto level = level_of(items.front());
  if (!level) return base::fail(fmt::format("invalid security level \"{}\"", items.front()));
  Reader reader(of_level(*level, params), items.front());
  for (const std::string_view item : std::span(items).subspan(1)) {
    const Attribute attribute = TRY(read_attribute(item));
    if (*level == TlsLevel::none) warn(fmt::format("ignoring attribute \"{}={}\" with TLS disabled", attribute.name, attribute.value));
    else TRY(reader.take(attribute));
  }
  return std::move(reader).finish();
}

}  // namespace smtp
