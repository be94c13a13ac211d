#include "lib/dns/channel.h"

#include <memory>
#include <random>
#include <utility>

#include <ares.h>

#include "lib/base/check.h"
#include "lib/dns/packet.h"

namespace dns {
namespace {

// As the system's resolver has it: two rounds of 5 seconds over the servers.
constexpr int attempt_milliseconds = 5000;
constexpr int attempts = 2;

Status status_of(int code) {
  switch (code) {
    case ARES_SUCCESS: return Status::found;
    case ARES_ENOTFOUND: return Status::no_domain;
    case ARES_ENODATA: return Status::no_data;
    case ARES_EBADNAME: return Status::invalid;
    case ARES_EBADRESP: return Status::garbled;
    default: return Status::temporary;  // an int from a library, not an enum of ours
  }
}

// Questions about signatures have an OPT record (RFC 6891), with the size of what goes through every network in one piece.
constexpr unsigned short packet_size_limit = 1232;

void answer(void* argument, int code, std::string packet) {
  const std::unique_ptr<std::shared_ptr<Channel::Question>> owner(static_cast<std::shared_ptr<Channel::Question>*>(argument));
  Channel::Question& question = **owner;
  question.status = code == ARES_SUCCESS ? status_of_packet(packet) : status_of(code);
  question.is_validated = is_authenticated(packet);
  question.packet = std::move(packet);
  question.is_answered = true;
  question.answered.notify();
}

std::string text_of(const unsigned char* bytes, std::size_t size) {
  return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), size);
}

// c-ares 1.28 has a second way to ask, and 1.34 warns of the first. What the second hands over is read already: it is written
// as a packet again, so that one reader says what a packet means, with either.
#if ARES_VERSION >= 0x011c00

void answered(void* argument, ares_status_t code, std::size_t, const ares_dns_record_t* record) {
  std::string packet;
  if (code == ARES_SUCCESS) {
    unsigned char* bytes = nullptr;
    std::size_t size = 0;
    code = ::ares_dns_write(record, &bytes, &size);
    packet = text_of(bytes, size);
    ::ares_free_string(bytes);
  }
  answer(argument, code, std::move(packet));
}

void send(::ares_channeldata* channel, const std::string& name, Type type, void* argument) {
  ::ares_query_dnsrec(channel, name.c_str(), ARES_CLASS_IN, static_cast<ares_dns_rec_type_t>(type), &answered, argument, nullptr);
}

void send_for_signatures(::ares_channeldata* channel, const std::string& name, Type type, void* argument) {
  constexpr unsigned short dnssec_ok = 0x8000;
  ares_dns_record_t* question = nullptr;
  ares_dns_rr_t* option = nullptr;
  ares_status_t code = ::ares_dns_record_create(&question, 0, ARES_FLAG_RD | ARES_FLAG_AD, ARES_OPCODE_QUERY, ARES_RCODE_NOERROR);
  const std::unique_ptr<ares_dns_record_t, decltype([](ares_dns_record_t* record) { ::ares_dns_record_destroy(record); })> owner(question);
  if (code == ARES_SUCCESS) code = ::ares_dns_record_query_add(question, name.c_str(), static_cast<ares_dns_rec_type_t>(type), ARES_CLASS_IN);
  if (code == ARES_SUCCESS) code = ::ares_dns_record_rr_add(&option, question, ARES_SECTION_ADDITIONAL, "", ARES_REC_TYPE_OPT, ARES_CLASS_IN, 0);
  if (code == ARES_SUCCESS) code = ::ares_dns_rr_set_u16(option, ARES_RR_OPT_UDP_SIZE, packet_size_limit);
  if (code == ARES_SUCCESS) code = ::ares_dns_rr_set_u8(option, ARES_RR_OPT_VERSION, 0);
  if (code == ARES_SUCCESS) code = ::ares_dns_rr_set_u16(option, ARES_RR_OPT_FLAGS, dnssec_ok);
  if (code != ARES_SUCCESS) return answer(argument, code, {});
  ::ares_send_dnsrec(channel, question, &answered, argument, nullptr);
}

#else

constexpr int class_internet = 1;

void answered(void* argument, int code, int, unsigned char* bytes, int size) {
  answer(argument, code, text_of(bytes, static_cast<std::size_t>(size)));
}

void send(::ares_channeldata* channel, const std::string& name, Type type, void* argument) {
  ::ares_query(channel, name.c_str(), class_internet, static_cast<int>(type), &answered, argument);
}

void send_for_signatures(::ares_channeldata* channel, const std::string& name, Type type, void* argument) {
  constexpr unsigned char authentic_data = 0x20, dnssec_ok = 0x80;
  constexpr int authentic_data_at = 3, dnssec_ok_from_end = 4;   // in the header, and in the OPT record, which is the last
  unsigned char* bytes = nullptr;
  int size = 0;
  const auto id = static_cast<unsigned short>(std::random_device{}());
  const int code = ::ares_create_query(name.c_str(), class_internet, static_cast<int>(type), id, 1, &bytes, &size, packet_size_limit);
  if (code != ARES_SUCCESS) return answer(argument, code, {});
  bytes[authentic_data_at] |= authentic_data;
  bytes[size - dnssec_ok_from_end] |= dnssec_ok;
  ::ares_send(channel, bytes, size, &answered, argument);
  ::ares_free_string(bytes);
}

#endif

}  // namespace

Result<std::unique_ptr<Channel>> Channel::open(const std::string& servers, Signatures signatures) {
  static const int library = ::ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return base::fail(std::string("c-ares: ") + ::ares_strerror(library));
  std::unique_ptr<Channel> self(new Channel);
  self->signatures_ = signatures;
  ::ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  if (signatures == Signatures::wanted) {
    options.flags |= ARES_FLAG_EDNS;
    options.ednspsz = packet_size_limit;
  }
  options.timeout = attempt_milliseconds;
  options.tries = attempts;
  options.sock_state_cb = [](void* channel, ares_socket_t fd, int wants_read, int wants_write) {
    static_cast<Channel*>(channel)->socket_changed(fd, wants_read != 0, wants_write != 0);
  };
  options.sock_state_cb_data = self.get();
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (signatures == Signatures::wanted) mask |= ARES_OPT_EDNSPSZ;
#ifdef ARES_OPT_QUERY_CACHE
  // Name servers have a cache; a second one would not hear of what is mended there.
  options.qcache_max_ttl = 0;
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  int status = ::ares_init_options(&self->channel_, &options, mask);
  if (status == ARES_SUCCESS && !servers.empty()) status = ::ares_set_servers_ports_csv(self->channel_, servers.c_str());
  if (status != ARES_SUCCESS) return base::fail(std::string("c-ares: ") + ::ares_strerror(status));
  return self;
}

Channel::~Channel() {
  if (channel_ != nullptr) ::ares_destroy(channel_);
}

std::vector<std::string> Channel::search_domains() const {
  ::ares_options options{};
  int mask = 0;
  std::vector<std::string> domains;
  if (::ares_save_options(channel_, &options, &mask) != ARES_SUCCESS) return domains;
  for (int i = 0; i < options.ndomains; ++i) domains.emplace_back(options.domains[i]);
  ::ares_destroy_options(&options);
  return domains;
}

std::shared_ptr<Channel::Question> Channel::ask(const std::string& name, Type type) {
  auto question = std::make_shared<Question>();
  auto* const argument = new std::shared_ptr<Question>(question);
  signatures_ == Signatures::wanted ? send_for_signatures(channel_, name, type, argument) : send(channel_, name, type, argument);
  set_timer();
  return question;
}

void Channel::wait(Question& question, Deadline deadline) {
  while (!question.is_answered && question.answered.wait(deadline)) {
  }
}

void Channel::socket_changed(int fd, bool wants_read, bool wants_write) {
  if (!wants_read && !wants_write) {
    sockets_.erase(fd);
    return;
  }
  Watches& watches = sockets_[fd];
  event::Loop& loop = event::Loop::current();
  if (wants_read && !watches.readable) {
    watches.readable = loop.watch_readable(fd, [this, fd] { process(fd, ARES_SOCKET_BAD); });
  }
  if (wants_write && !watches.writable) {
    watches.writable = loop.watch_writable(fd, [this, fd] { process(ARES_SOCKET_BAD, fd); });
  }
  if (!wants_read) watches.readable.reset();
  if (!wants_write) watches.writable.reset();
}

void Channel::process(int readable, int writable) {
  ::ares_process_fd(channel_, readable, writable);
  set_timer();
}

// The timer may stand earlier than c-ares wants: it comes up, finds nothing late, and is set again.
void Channel::set_timer() {
  timeval time{};
  if (::ares_timeout(channel_, nullptr, &time) == nullptr) return;
  const auto delay = std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec) + std::chrono::milliseconds(1);
  const Deadline at = base::after(delay);
  if (timer_ && timer_at_ <= at) return;
  timer_at_ = at;
  timer_ = event::Loop::current().timer(delay, [this] {
    timer_.reset();
    process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

}  // namespace dns
