#pragma once
// Reading a name server's packet (RFC 1035 section 4). Whatever the bytes say, nothing is read beyond them; a packet that
// contradicts itself is an Error. Only records of the answer section are looked at, and of those only what leads from the
// name that was asked: through at most alias_limit CNAMEs to records of the type that was asked.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/dns/answer.h"

namespace dns {

// A record as a filter sees it: "example.com. 60 IN MX 10 mx.example.com.". False: as if it had not come.
using KeepsRecord = std::function<bool(const std::string& record)>;

struct Found {
  std::string name;                  // where the CNAMEs led, without the final dot
  int aliases = 0;                   // how many
  std::chrono::seconds ttl{0};
  std::vector<Mx> mx;                // by type; one of these
  std::vector<Srv> services;
  std::vector<io::Address> addresses;
  std::vector<std::string> texts;    // TXT: the strings of a record joined; PTR, NS, CNAME: the names; TLSA: the data as it came
};

// TLSA's data. None: they end early.
[[nodiscard]] std::optional<Tlsa> read_tlsa(std::string_view data);

// What the header says (RFC 1035 section 4.1.1, RFC 4035 section 3.2.3). False, or a server failure: the packet is no answer.
[[nodiscard]] bool is_authenticated(std::string_view packet);
[[nodiscard]] Status status_of_packet(std::string_view packet);

// Who asks for CNAME gets the alias of the name, and is not led on.
[[nodiscard]] Result<Found> read_packet(std::string_view packet, std::string_view name, Type type, const KeepsRecord& keeps = nullptr);

}  // namespace dns
