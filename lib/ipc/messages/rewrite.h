#pragma once
// smtpd, cleanup, qmgr and local ask trivial-rewrite(8): what does this address mean here?

#include "lib/ipc/message.h"

namespace ipc {

enum class AddressQuestion {
  rewrite,  // put it into canonical form: user@domain with every missing part completed
  resolve,  // where does mail for it go?
  resolve_probe,  // and where a probe of it (address_verify_transport_maps and its like)?
};

struct AddressRequest {
  AddressQuestion question = AddressQuestion::resolve;
  std::string rule;     // rewrite: "local" ($myorigin, $mydomain) or "remote" ($remote_header_rewrite_domain)
  std::string sender;   // resolve: internal form; empty for the null sender
  std::string address;  // rewrite: external (quoted) form; resolve: the recipient in internal form
  static constexpr auto fields =
      std::tuple{Field{"request", &AddressRequest::question}, Field{"rule", &AddressRequest::rule},
                 Field{"sender", &AddressRequest::sender}, Field{"address", &AddressRequest::address}};
};

// The class of a recipient's domain (ADDRESS_CLASS_README), which says who knows its users.
enum class AddressClass { local, virtual_alias, virtual_mailbox, relay, other };

enum class ResolveStatus {
  ok,
  error,  // the address cannot be delivered to anyone (its form; its user has moved): transport is "error", nexthop the reason
  fail,   // a table could not be read: try again later
};

struct AddressAnswer {
  std::string address;    // rewrite: external form; resolve: the recipient as the agent gets it, internal form
  std::string transport;  // resolve: master.cf service name: "local", "smtp"
  std::string nexthop;    // resolve: "example.com", "[host]:port", or the text of an error: transport
  AddressClass address_class = AddressClass::other;
  ResolveStatus status = ResolveStatus::ok;
  bool has_routing = false;  // user%domain@us, domain!user or another route named by the sender: for relay control
  static constexpr auto fields =
      std::tuple{Field{"address", &AddressAnswer::address},     Field{"transport", &AddressAnswer::transport},
                 Field{"nexthop", &AddressAnswer::nexthop},     Field{"class", &AddressAnswer::address_class},
                 Field{"status", &AddressAnswer::status},       Field{"has_routing", &AddressAnswer::has_routing}};
};

struct AskAddress {
  using Request = AddressRequest;
  using Answer = AddressAnswer;
  static constexpr std::string_view socket = "private/rewrite";
  static constexpr std::chrono::seconds timeout{100};
};

}  // namespace ipc
