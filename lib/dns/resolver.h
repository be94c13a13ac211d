#pragma once
// Asking the DNS, from a fiber. Names must be host names in ASCII form (the caller has checked and converted them);
// anything else is answered `invalid` without a question.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/dns/answer.h"
#include "lib/dns/hosts.h"

namespace dns {

class Channel;
struct Found;
struct Lookup;

// Which addresses are of use here (inet_protocols).
enum class Families { ipv4, ipv6, both };
// Those that are of use to a host with these inet_protocols.
[[nodiscard]] Families families_of(std::string_view inet_protocols);
[[nodiscard]] constexpr bool wants(Families families, bool v6) { return families == Families::both || (families == Families::ipv6) == v6; }

class Resolver {
 public:
  struct Options {
    std::string servers;                     // "192.0.2.1:53,..."; empty: resolv.conf
    std::string hosts_file = "/etc/hosts";   // may be missing
    // Whether a name without a dot is looked for in this host's domain, and all names in the domains that resolv.conf has
    // (RES_DEFNAMES and RES_DNSRCH of resolver(3)).
    bool completes = false, searches = false;
    // Whether name servers are asked to validate what is signed (RFC 4035), and then what is asked once if they seem not to
    // ("ns:."; empty: nothing).
    bool validates = false;
    std::string probe = {};
  };
  // What a site makes of a record ("example.com. 60 IN MX 10 mx.example.com.").
  enum class Verdict { keep, ignore, failed };
  using Filter = std::function<Verdict(const std::string& record)>;
  // Reads resolv.conf and the hosts file now, since they may be out of reach later.
  static Result<std::unique_ptr<Resolver>> open(const Options& options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void set_filter(Filter filter) { filter_ = std::move(filter); }

  // In the order of preference, equal ones as the server sent them. Hosts that are no host names are left out with a
  // warning.
  [[nodiscard]] Answer<Mx> mx(std::string_view name, Deadline deadline);
  // By priority, and within one at random by weight (RFC 2782). The root as the only host: null_mx, the service is not to be had.
  [[nodiscard]] Answer<Srv> services(std::string_view name, Deadline deadline);
  // A and AAAA; found if either is. IPv4 first.
  [[nodiscard]] Answer<io::Address> addresses(std::string_view name, Families families, Deadline deadline);
  // The names of an address, as its owner gives them: not to be believed before addresses() of the name has it too.
  [[nodiscard]] Answer<std::string> names(const io::Address& address, Deadline deadline);
  // The hosts that serve the zone of this name.
  [[nodiscard]] Answer<std::string> name_servers(std::string_view name, Deadline deadline);
  [[nodiscard]] Answer<std::string> texts(std::string_view name, Deadline deadline);
  // Those of DNS-based authentication that have data. The name is as RFC 6698 has it: "_25._tcp.mx.example.com".
  // Found without records: there are some, and none of them can be read.
  [[nodiscard]] Answer<Tlsa> tlsa(std::string_view name, Deadline deadline);
  // What the name is an alias of, by its own record, which may be validated where what it leads to is not.
  [[nodiscard]] Answer<std::string> alias(std::string_view name, Deadline deadline);

  // The same for hosts of this site: the hosts file, then the DNS.
  [[nodiscard]] Answer<io::Address> host_addresses(std::string_view name, Families families, Deadline deadline);
  [[nodiscard]] Answer<std::string> host_names(const io::Address& address, Deadline deadline);

 private:
  struct Probe {
    Type type;
    std::string name;
  };
  static Result<Probe> parse_probe(const std::string& text);

  Resolver() = default;
  [[nodiscard]] std::vector<std::string> names_to_try(std::string_view name) const;
  // Notes whether there is validation, and asks for the probe if that is in doubt.
  void note_validation(const Lookup& lookup, Deadline deadline);
  [[nodiscard]] Lookup look_up(std::string_view name, Type type, Deadline deadline);
  [[nodiscard]] Answer<io::Address> addresses_of(const std::string& name, Families families, Deadline deadline);

  std::unique_ptr<Channel> channel_;
  Options options_;
  Filter filter_;
  Hosts hosts_;
  std::optional<Probe> probe_;      // until it was asked
  bool has_seen_validation_ = false;
};

}  // namespace dns
