#pragma once
// A name server that says what a test tells it, over UDP and TCP on one port of 127.0.0.1, in fibers of the current loop.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/event/loop.h"

namespace testing {

// What was asked.
struct DnsQuestion {
  std::uint16_t id = 0;
  std::string name;      // as sent, without the final dot
  std::uint16_t type = 0;
  bool over_tcp = false;
  bool wants_signatures = false;   // the AD bit, and an OPT record with the DO bit
};

// "a.b" as labels; a name with its own idea of bytes is written by hand.
[[nodiscard]] std::string dns_name(std::string_view name);
[[nodiscard]] std::string dns_number16(unsigned value);
[[nodiscard]] std::string dns_mx(unsigned preference, std::string_view host);   // record data
[[nodiscard]] std::string dns_address(std::string_view text);                   // record data of A and AAAA

// A reply in the making. Records go to the answer section; every field can be made to lie.
class DnsReply {
 public:
  explicit DnsReply(const DnsQuestion& question, unsigned code = 0);   // code 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN
  DnsReply& record(std::string_view name, unsigned type, std::string_view data, unsigned ttl = 300);
  // The record with a length field that is not its data's.
  DnsReply& lying_record(std::string_view name, unsigned type, std::string_view data, unsigned length);
  DnsReply& raw(std::string_view bytes, unsigned counted_records);
  DnsReply& with_id(std::uint16_t id);
  DnsReply& truncated();
  DnsReply& authentic();   // the AD bit
  [[nodiscard]] std::string packet() const;

 private:
  std::uint16_t id_;
  unsigned flags_;
  unsigned answers_ = 0;
  std::string question_, records_;
};

class DnsServer {
 public:
  // No packet: the server stays silent.
  using Script = std::function<std::optional<std::string>(const DnsQuestion&)>;
  explicit DnsServer(Script script);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }   // "127.0.0.1:PORT"
  [[nodiscard]] const std::vector<DnsQuestion>& asked() const { return asked_; }

 private:
  std::optional<std::string> answer(std::string_view packet, bool over_tcp);
  void serve_udp();
  void serve_tcp();

  Script script_;
  std::string address_;
  std::vector<DnsQuestion> asked_;
  Fd udp_, listener_;
  event::FiberRef udp_fiber_, tcp_fiber_;
};

}  // namespace testing
