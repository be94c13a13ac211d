#include "lib/testing/dns_server.h"

#include <array>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/check.h"
#include "lib/io/socket.h"
#include "lib/io/stream.h"

namespace testing {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t packet_limit = 65535;
constexpr unsigned flags_response = 0x8180;   // a response, recursion desired and available
constexpr unsigned flag_truncated = 0x0200;
constexpr unsigned flag_authentic = 0x0020;
constexpr std::size_t opt_size = 11, opt_flags_from_end = 4;   // an OPT record that is empty, at the end
constexpr unsigned class_internet = 1;
constexpr int ports_tried = 20;

unsigned number16(std::string_view bytes, std::size_t at) {
  return (static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) << 8) | static_cast<unsigned char>(bytes[at + 1]);
}

std::string number32(unsigned value) { return dns_number16(value >> 16) + dns_number16(value & 0xffff); }

DnsQuestion read_question(std::string_view packet, bool over_tcp) {
  CHECK(packet.size() > header_size);
  DnsQuestion question{static_cast<std::uint16_t>(number16(packet, 0)), {}, 0, over_tcp};
  std::size_t at = header_size;
  while (packet[at] != 0) {
    const auto size = static_cast<unsigned char>(packet[at]);
    question.name += (question.name.empty() ? "" : ".") + std::string(packet.substr(at + 1, size));
    at += 1U + size;
  }
  question.type = static_cast<std::uint16_t>(number16(packet, at + 1));
  const std::string_view rest = packet.substr(std::min(at + 5, packet.size()));
  question.wants_signatures = (number16(packet, 2) & flag_authentic) != 0 && rest.size() == opt_size && rest.starts_with(std::string_view("\0\0\x29", 3)) &&
                              (number16(rest, opt_size - opt_flags_from_end) & 0x8000) != 0;
  return question;
}

}  // namespace

std::string dns_number16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)}; }

std::string dns_name(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return bytes + '\0';
}

std::string dns_mx(unsigned preference, std::string_view host) { return dns_number16(preference) + dns_name(host); }

std::string dns_address(std::string_view text) { return std::string(io::Address::parse(text)->bytes()); }

DnsReply::DnsReply(const DnsQuestion& question, unsigned code)
    : id_(question.id), flags_(flags_response | code),
      question_(dns_name(question.name) + dns_number16(question.type) + dns_number16(class_internet)) {}

DnsReply& DnsReply::record(std::string_view name, unsigned type, std::string_view data, unsigned ttl) {
  return raw(dns_name(name) + dns_number16(type) + dns_number16(class_internet) + number32(ttl) +
                 dns_number16(static_cast<unsigned>(data.size())) + std::string(data),
             1);
}

DnsReply& DnsReply::lying_record(std::string_view name, unsigned type, std::string_view data, unsigned length) {
  return raw(dns_name(name) + dns_number16(type) + dns_number16(class_internet) + number32(300) + dns_number16(length) +
                 std::string(data),
             1);
}

DnsReply& DnsReply::raw(std::string_view bytes, unsigned counted_records) {
  records_ += bytes;
  answers_ += counted_records;
  return *this;
}

DnsReply& DnsReply::with_id(std::uint16_t id) {
  id_ = id;
  return *this;
}

DnsReply& DnsReply::authentic() {
  flags_ |= flag_authentic;
  return *this;
}

DnsReply& DnsReply::truncated() {
  flags_ |= flag_truncated;
  return *this;
}

std::string DnsReply::packet() const {
  return dns_number16(id_) + dns_number16(flags_) + dns_number16(1) + dns_number16(answers_) + dns_number16(0) +
         dns_number16(0) + question_ + records_;
}

DnsServer::DnsServer(Script script) : script_(std::move(script)) {
  // One port that is free for both.
  for (int attempt = 0; attempt < ports_tried && !udp_; ++attempt) {
    listener_ = std::move(*io::listen_tcp(io::Endpoint{*io::Address::parse("127.0.0.1"), 0}, 10));
    const io::Endpoint at = *io::local_of(listener_.get());
    Fd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(at.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(udp.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) continue;
    udp_ = std::move(udp);
    address_ = at.text();
  }
  CHECK(static_cast<bool>(udp_));
  event::Loop& loop = event::Loop::current();
  udp_fiber_ = *loop.spawn("dns udp", [this] { serve_udp(); });
  tcp_fiber_ = *loop.spawn("dns tcp", [this] { serve_tcp(); });
}

DnsServer::~DnsServer() {
  // The fibers use this object, so they end first. Within a fiber others must run for that, else the loop must.
  udp_fiber_.cancel();
  tcp_fiber_.cancel();
  const auto ended = [this] { return !udp_fiber_.is_running() && !tcp_fiber_.is_running(); };
  if (event::in_fiber()) {
    const event::Shield shield;
    while (!ended()) event::yield();
  } else if (event::Loop* const loop = event::Loop::find()) {
    loop->run_until(ended);
  }
}

std::optional<std::string> DnsServer::answer(std::string_view packet, bool over_tcp) {
  asked_.push_back(read_question(packet, over_tcp));
  return script_(asked_.back());
}

void DnsServer::serve_udp() {
  std::string buffer(packet_limit, '\0');
  for (;;) {
    static_cast<void>(event::wait_fd(udp_.get(), event::Ready::readable, base::no_deadline));
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    const ssize_t got = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &peer_size);
    if (got < 0) continue;
    const auto reply = answer(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), false);
    if (reply) ::sendto(udp_.get(), reply->data(), reply->size(), 0, reinterpret_cast<const sockaddr*>(&peer), peer_size);
  }
}

void DnsServer::serve_tcp() {
  for (;;) {
    static_cast<void>(event::wait_fd(listener_.get(), event::Ready::readable, base::no_deadline));
    auto connection = io::accept(listener_.get());
    if (!connection) continue;
    io::Stream stream(std::move(*connection));
    const Deadline deadline = base::after(std::chrono::seconds(5));
    for (;;) {
      std::string size, packet;
      if (stream.read_exact(size, 2, deadline) != io::End::ok) break;
      if (stream.read_exact(packet, number16(size, 0), deadline) != io::End::ok) break;
      const auto reply = answer(packet, true);
      if (!reply) break;
      stream.write(dns_number16(static_cast<unsigned>(reply->size())) + *reply, deadline);
      if (stream.flush(deadline) != io::End::ok) break;
    }
  }
}

}  // namespace testing
