#include "lib/dns/channel.h"

#include <ares.h>

#include "lib/base/check.h"

namespace dns {
namespace {

// As the system's resolver has it: two rounds of 5 seconds over the servers.
constexpr int attempt_milliseconds = 5000;
constexpr int attempts = 2;

constexpr int class_internet = 1;

Status status_of(int code) {
  switch (code) {
    case ARES_SUCCESS: return Status::found;
    case ARES_ENOTFOUND: return Status::no_domain;
    case ARES_ENODATA: return Status::no_data;
    case ARES_EBADNAME: return Status::invalid;
    default: return Status::temporary;  // an int from a library, not an enum of ours
  }
}

void answered(void* argument, int code, int, unsigned char* bytes, int size) {
  const std::unique_ptr<std::shared_ptr<Channel::Question>> owner(static_cast<std::shared_ptr<Channel::Question>*>(argument));
  Channel::Question& question = **owner;
  question.status = status_of(code);
  if (bytes != nullptr && size > 0) question.packet.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  question.is_answered = true;
  question.answered.notify();
}

}  // namespace

Result<std::unique_ptr<Channel>> Channel::open(const std::string& servers) {
  static const int library = ::ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return base::fail(std::string("c-ares: ") + ::ares_strerror(library));
  std::unique_ptr<Channel> self(new Channel);
  ::ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = attempt_milliseconds;
  options.tries = attempts;
  options.sock_state_cb = [](void* channel, ares_socket_t fd, int wants_read, int wants_write) {
    static_cast<Channel*>(channel)->socket_changed(fd, wants_read != 0, wants_write != 0);
  };
  options.sock_state_cb_data = self.get();
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
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
  ::ares_query(channel_, name.c_str(), class_internet, static_cast<int>(type), &answered,
               new std::shared_ptr<Question>(question));
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
