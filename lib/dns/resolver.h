#pragma once
// Asking the DNS, from a fiber. Names must be host names in ASCII form (the caller has checked and converted them);
// anything else is answered `invalid` without a question.

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/dns/answer.h"
#include "lib/dns/hosts.h"

namespace dns {

class Channel;

// Which addresses are of use here (inet_protocols).
enum class Families { ipv4, ipv6, both };

class Resolver {
 public:
  struct Options {
    std::string servers;                     // "192.0.2.1:53,..."; empty: resolv.conf
    std::string hosts_file = "/etc/hosts";   // may be missing
  };
  // Reads resolv.conf and the hosts file now, since they may be out of reach later.
  static Result<std::unique_ptr<Resolver>> open(const Options& options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // In the order of preference, equal ones as the server sent them. Hosts that are no host names are left out with a
  // warning.
  [[nodiscard]] Answer<Mx> mx(std::string_view name, Deadline deadline);
  // A and AAAA; found if either is. IPv4 first.
  [[nodiscard]] Answer<io::Address> addresses(std::string_view name, Families families, Deadline deadline);
  // The names of an address, as its owner gives them: not to be believed before addresses() of the name has it too.
  [[nodiscard]] Answer<std::string> names(const io::Address& address, Deadline deadline);
  [[nodiscard]] Answer<std::string> texts(std::string_view name, Deadline deadline);

  // The same for hosts of this site: the hosts file, then the DNS.
  [[nodiscard]] Answer<io::Address> host_addresses(std::string_view name, Families families, Deadline deadline);
  [[nodiscard]] Answer<std::string> host_names(const io::Address& address, Deadline deadline);

 private:
  Resolver() = default;
  std::unique_ptr<Channel> channel_;
  Hosts hosts_;
};

}  // namespace dns
