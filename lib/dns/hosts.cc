#include "lib/dns/hosts.h"

#include <algorithm>

#include "lib/base/ascii.h"

namespace dns {

Hosts Hosts::parse(std::string_view text) {
  Hosts hosts;
  for (const std::string_view line : ascii::split(text, "\n")) {
    const auto words = ascii::split(line.substr(0, line.find('#')), " \t\r");
    if (words.size() < 2) continue;
    const auto address = io::Address::parse(words[0]);
    if (!address) continue;
    hosts.names_.emplace(*address, words[1]);
    for (std::size_t i = 1; i < words.size(); ++i) {
      auto& known = hosts.addresses_[ascii::lowercase(words[i])];
      if (std::ranges::find(known, *address) == known.end()) known.push_back(*address);
    }
  }
  return hosts;
}

const std::vector<io::Address>& Hosts::addresses(std::string_view name) const {
  static const std::vector<io::Address> none;
  const auto found = addresses_.find(ascii::lowercase(name));
  return found == addresses_.end() ? none : found->second;
}

std::optional<std::string> Hosts::name(const io::Address& address) const {
  const auto found = names_.find(address);
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

}  // namespace dns
