#pragma once
// postscreen_dnsbl_sites: which DNS lists are asked, and what their answers weigh.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dns/dns_list.h"

namespace postscreen {

// The value of the parameter, as a list of domains with what counts of their answers. Pure.
class DnsblSites {
 public:
  // The errors are the reference's: "bad DNSBL weight factor \"x\" in \"bl.example*x\"".
  static Result<DnsblSites> parse(std::string_view value);
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  // Each once.
  [[nodiscard]] std::vector<std::string> domains() const;
  // The sum of the weights of all rules of this domain that one of the addresses meets.
  [[nodiscard]] int weight(const std::string& domain, const std::vector<io::Address>& answers) const;

 private:
  struct Rule {
    std::optional<dns::AddressPattern> pattern;   // none: any answer counts
    int weight = 1;
  };
  std::map<std::string, std::vector<Rule>, std::less<>> rules_;
};

// What the lists have said of a client so far.
struct DnsblScore {
  int rank = 0;
  std::string domain;                        // with the greatest weight
  int greatest = 0;
  std::optional<std::chrono::seconds> ttl;   // the least of all answers; none: nobody has said
  std::size_t awaited = 0;                   // lists that have not answered

  void take(const std::string& from, int weight, std::chrono::seconds believed);
  [[nodiscard]] bool is_complete() const { return awaited == 0; }
};

}  // namespace postscreen
