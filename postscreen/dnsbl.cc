#include "postscreen/dnsbl.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "lib/maps/list.h"

namespace postscreen {

Result<DnsblSites> DnsblSites::parse(std::string_view value) {
  DnsblSites sites;
  for (const std::string_view text : maps::split_list(value)) {
    Rule rule;
    std::string_view rest = text;
    if (const std::size_t star = text.rfind('*'); star != std::string_view::npos) {
      const std::string_view digits = text.substr(star + 1);
      const auto [end, error] = std::from_chars(digits.begin(), digits.end(), rule.weight);
      if (error != std::errc() || end != digits.end()) {
        return base::fail(fmt::format("bad DNSBL weight factor \"{}\" in \"{}\"", digits, text));
      }
      rest = text.substr(0, star);
    }
    auto list = dns::DnsList::parse(rest);
    if (!list) return base::fail("bad DNSBL filter syntax: " + list.error().message());
    rule.pattern = list->pattern;
    sites.rules_[list->domain].push_back(rule);
  }
  return sites;
}

std::vector<std::string> DnsblSites::domains() const {
  std::vector<std::string> out;
  for (const auto& [domain, rules] : rules_) out.push_back(domain);
  return out;
}

int DnsblSites::weight(const std::string& domain, const std::vector<io::Address>& answers) const {
  const auto found = rules_.find(domain);
  if (found == rules_.end() || answers.empty()) return 0;
  int sum = 0;
  for (const Rule& rule : found->second) {
    const auto counts = [&](const io::Address& answer) { return !rule.pattern || rule.pattern->matches(answer); };
    if (std::ranges::any_of(answers, counts)) sum += rule.weight;
  }
  return sum;
}

void DnsblScore::take(const std::string& from, int weight, std::chrono::seconds believed) {
  rank += weight;
  if (weight > greatest) {
    greatest = weight;
    domain = from;
  }
  ttl = std::min(ttl.value_or(believed), believed);
}

}  // namespace postscreen
