#pragma once
// What a name server's answer means. The difference between "there is none" and "nobody could say" decides whether mail
// bounces, so it is a type.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/io/socket.h"

namespace dns {

inline constexpr std::size_t records_limit = 100;  // of one answer; more are not looked at
inline constexpr int alias_limit = 10;             // CNAME records in a row

enum class Type : std::uint16_t { a = 1, ns = 2, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, srv = 33, tlsa = 52 };
[[nodiscard]] std::string_view name_of(Type type);

enum class Status {
  found,
  no_domain,  // NXDOMAIN: the name does not exist
  no_data,    // the name exists, without records of this type
  null_mx,    // RFC 7505: the domain takes no mail
  invalid,    // records came, but none that can be used
  garbled,    // a packet that contradicts itself: as good as no answer, ask again later
  temporary,  // server failure or no answer: ask again later
  filtered,   // the site ignores all that came
  unfiltered, // the site's filter could not be asked
};

struct Mx {
  int preference = 0;
  std::string host;  // a host name, or (against RFC 1035, but seen) an address
  bool operator==(const Mx&) const = default;
};

// RFC 2782: where a domain has a service.
struct Srv {
  int priority = 0, weight = 0;
  std::uint16_t port = 0;
  std::string host;
  bool operator==(const Srv&) const = default;
};

// RFC 6698: what the TLS server of a service shows. The numbers mean what the RFC says; they may be any.
struct Tlsa {
  std::uint8_t usage = 0, selector = 0, matching = 0;
  std::string data;  // not empty
  // "3 1 1 0b9f..."
  [[nodiscard]] std::string text() const;
  bool operator==(const Tlsa&) const = default;
};

template <class Record>
struct Answer {
  Status status = Status::temporary;
  std::vector<Record> records;      // not empty when found
  std::chrono::seconds ttl{0};      // the least of all that led here
  std::string reason;               // why not, in the words that logs have: "Host not found, try again"
  std::string canonical = {};       // the name that CNAME records led to, where one did
  bool is_validated = false;        // a name server that we trust vouches for the signatures of all that led here (the AD bit of RFC 4035)
  [[nodiscard]] explicit operator bool() const { return status == Status::found; }
};

// The reason that goes with a status, and an answer that has only that.
[[nodiscard]] std::string_view reason_of(Status status);
template <class Record>
[[nodiscard]] Answer<Record> nothing(Status status) {
  return {status, {}, {}, std::string(reason_of(status))};
}

}  // namespace dns
