#pragma once
// Where mail for an address goes: local domains are taken off until the address is somebody else's or one of our own,
// then its class gives the transport and nexthop, which may depend on the sender; transport_maps may change them; and who is
// no longer here (relocated_maps) gets no mail.

#include <string>
#include <string_view>

#include "lib/ipc/messages/rewrite.h"
#include "lib/mail/address.h"
#include "services/rewrite/canonical.h"
#include "services/rewrite/domains.h"
#include "services/rewrite/transport.h"

namespace rewrite {

struct ResolveParameters {
  std::string myhostname, empty_address_recipient, relayhost;
  std::string error_transport;
  std::string local_transport, virtual_transport, relay_transport, default_transport;
  bool resolve_dequoted_address = true, resolve_null_domain = false, resolve_numeric_domain = false;
  bool allow_min_user = false, show_user_unknown_table_name = true;
  CanonicalRules canonical;  // for the rest when a local domain has been taken off
  std::string myorigin;
  mail::Delimiters delimiters;
  std::string null_sender_in_relayhost_maps, null_sender_in_transport_maps;  // keys
  std::string relocated_prefix;                                             // of the text of relocated_maps
};

// Tables that are asked for a whole address and its parts.
struct AddressMaps {
  maps::Maps relocated, sender_relayhost, sender_default_transport;
};

class Resolver {
 public:
  Resolver(ResolveParameters parameters, Domains domains, TransportMaps transport_maps, AddressMaps address_maps)
      : parameters_(std::move(parameters)),
        domains_(std::move(domains)),
        transport_maps_(std::move(transport_maps)),
        address_maps_(std::move(address_maps)) {}

  // Both are in internal form. What fails is logged, and the answer says so.
  [[nodiscard]] ipc::AddressAnswer resolve(std::string_view sender, std::string_view address) const;

 private:
  struct Split {
    std::string local, domain;
    bool is_local = false;  // the domain is ours
    bool is_valid = true;
  };
  [[nodiscard]] Result<Split> split(std::string_view address) const;
  [[nodiscard]] std::string complete(std::string_view rest) const;
  [[nodiscard]] bool names_a_route(std::string_view local) const;
  [[nodiscard]] Result<maps::Found> find(const maps::Maps& maps, std::string_view parameter, std::string_view address) const;
  [[nodiscard]] Result<std::string> of_sender(const maps::Maps& maps, std::string_view parameter, std::string_view sender,
                                              std::string_view null_key, std::string_view otherwise) const;
  [[nodiscard]] Result<Route> route_of(ipc::AddressClass address_class, std::string_view sender, std::string_view domain) const;
  [[nodiscard]] Result<ipc::AddressAnswer> resolve_or_fail(std::string_view sender, std::string_view address) const;

  ResolveParameters parameters_;
  Domains domains_;
  TransportMaps transport_maps_;
  AddressMaps address_maps_;
};

}  // namespace rewrite
