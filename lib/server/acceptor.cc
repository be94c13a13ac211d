#include "lib/server/acceptor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/io/file.h"
#include "lib/ipc/messages/pass.h"
#include "lib/log/log.h"

namespace server {
namespace {

constexpr int accepts_per_turn = 64;                          // then the fibers run
constexpr int datagrams_per_turn = 256;
constexpr std::size_t datagrams_per_call = 16;
constexpr std::size_t datagram_size = 64 * 1024;              // of a longer one the rest is lost
constexpr std::chrono::milliseconds pause_when_out{200};      // out of descriptors, stacks or memory
constexpr std::chrono::seconds missing_file_patience{1};      // before a successor looks whether a file is there now
constexpr unsigned long sessions_per_process = 10'000;        // before a number comes round again

Acceptor* the_acceptor = nullptr;

// Session numbers lie above every process id, and are unique on this host.
unsigned long first_session_number() {
  const auto text = io::read_file("/proc/sys/kernel/pid_max", 64);
  const auto pid_max = text ? ascii::parse_number(ascii::trim(*text)) : std::nullopt;
  return pid_max.value_or(4'194'304) + static_cast<unsigned long>(::getpid()) * sessions_per_process;
}

// Who has sent a datagram, as the kernel says.
uid_t sender_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
    return sender.uid;
  }
  return unknown_sender;
}

// The client in place of the service that has passed him on, which hears by the end of the connection that he was taken.
bool take_passed(Connection& connection) {
  auto passed = ipc::receive<ipc::PassedClient>(connection.stream, base::after(ipc::pass_timeout));
  if (!passed) {
    log_bad_request(passed.error());
    return false;
  }
  const auto endpoint = [](const std::string& address, std::uint16_t port) -> std::optional<io::Endpoint> {
    const auto parsed = io::Address::parse(address);
    if (!parsed) return std::nullopt;
    return io::Endpoint{*parsed, port};
  };
  connection.peer = endpoint(passed->client_address, passed->client_port);
  connection.local = endpoint(passed->server_address, passed->server_port);
  connection.stream = io::Stream(std::move(passed->connection));
  return true;
}

}  // namespace

// A file as it was when the process started from it; held open, since the path may not be reachable after chroot. A
// directory is not held, which would lead out of the chroot: a file that was not there counts as changed after a while.
struct Acceptor::WatchedFile {
  Fd fd;
  struct stat then {};
  Deadline since;
  [[nodiscard]] bool has_changed() const {
    if (!fd) return std::chrono::steady_clock::now() - since >= missing_file_patience;
    struct stat now {};
    if (::fstat(fd.get(), &now) != 0) return false;
    return now.st_nlink == 0 || now.st_size != then.st_size || now.st_mtim.tv_sec != then.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != then.st_mtim.tv_nsec;
  }
};

Acceptor::Acceptor(Kind kind, std::string name, Service& service, Limits limits, std::vector<Fd> listeners)
    : kind_(kind),
      name_(std::move(name)),
      service_(service),
      limits_(limits),
      listeners_(std::move(listeners)),
      requests_(limits.share > 0 ? limits.share : std::numeric_limits<std::size_t>::max()),
      next_session_(first_session_number()),
      last_use_(std::chrono::steady_clock::now()) {
  CHECK(the_acceptor == nullptr);
  the_acceptor = this;
  constexpr int on = 1;
  for (const Fd& listener : listeners_) {
    if (kind_ == Kind::datagrams) ::setsockopt(listener.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  }
}

Acceptor::~Acceptor() { the_acceptor = nullptr; }

Acceptor& Acceptor::instance() {
  CHECK(the_acceptor != nullptr);
  return *the_acceptor;
}

void Acceptor::start(std::function<void(ChildSays)> tell_master) {
  tell_master_ = std::move(tell_master);
  listen(true);
  if (limits_.max_idle.count() > 0) check_idle();
}

void Acceptor::watch_file(const std::string& path) {
  auto file = std::make_unique<WatchedFile>();
  file->fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file->fd && ::fstat(file->fd.get(), &file->then) != 0) return;
  file->since = std::chrono::steady_clock::now();
  files_.push_back(std::move(file));
}

bool Acceptor::files_changed() const {
  return std::ranges::any_of(files_, [](const auto& file) { return file->has_changed(); });
}

bool Acceptor::is_outdated() {
  if (!draining_ && files_changed()) drain(true);
  return draining_;
}

void Acceptor::listen(bool on) {
  if (on == listening_ || (on && draining_)) return;
  listening_ = on;
  pause_timer_.reset();
  watches_.clear();
  if (on) watch_listeners();
  if (!draining_) tell_master_(on ? ChildSays::available : ChildSays::full);
}

void Acceptor::watch_listeners() {
  for (const Fd& listener : listeners_) {
    watches_.push_back(event::Loop::current().watch_readable(listener.get(), [this, fd = listener.get()] { on_readable(fd); }));
  }
}

void Acceptor::pause(std::chrono::milliseconds time) {
  watches_.clear();
  pause_timer_ = event::Loop::current().timer(time, [this] {
    if (listening_) watch_listeners();
  });
}

void Acceptor::on_readable(int listener) {
  last_use_ = std::chrono::steady_clock::now();
  if (kind_ == Kind::datagrams) {
    gather_datagrams();
    return receive_datagrams(listener);
  }
  // The client in the backlog is left to a successor that starts from the changed file.
  if (is_outdated()) return;
  for (int i = 0; i < accepts_per_turn && listening_; ++i) {
    Result<Fd> fd = io::accept(listener);
    if (fd) {
      accept_one(std::move(*fd));
      continue;
    }
    const int code = fd.error().code();
    if (code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM) {
      maillog::warning("{}: {}; no new clients for a moment", name_, fd.error().message());
      pause(pause_when_out);
    }
    return;
  }
}

void Acceptor::accept_one(Fd fd) {
  const int raw = fd.get();
  auto client = clients_.insert(clients_.end(), Client{Connection{.stream = io::Stream(std::move(fd)),
                                                                  .peer = io::peer_of(raw),
                                                                  .local = io::local_of(raw),
                                                                  .session = 0,
                                                                  .stressed = stressed_},
                                                       {}});
  if (kind_ == Kind::sessions) {
    client->connection.session = next_session_++;
    if (next_session_ % sessions_per_process == 0) next_session_ = first_session_number();
  }
  auto fiber = event::Loop::current().spawn(name_, [this, client] { run_client(client); });
  if (!fiber) {
    maillog::warning("{}: cannot take a client: {}", name_, fiber.error().message());
    clients_.erase(client);
    return;
  }
  client->fiber = *fiber;
  if (limits_.one_client || (kind_ == Kind::sessions && limits_.share > 0 && clients_.size() >= limits_.share)) listen(false);
}

void Acceptor::run_client(std::list<Client>::iterator client) {
  // Also when the session is cancelled: the client's place becomes free.
  struct Place {
    Acceptor& acceptor;
    std::list<Client>::iterator client;
    ~Place() {
      acceptor.clients_.erase(client);
      acceptor.after_client();
    }
  } const place{*this, client};
  Connection& connection = client->connection;
  maillog::set_session(connection.session);
  if (limits_.passed && !take_passed(connection)) return;
  if (kind_ != Kind::triggers) return service_.serve(connection);
  for (;;) {
    const io::Stream::Bytes bytes = connection.stream.read_some(io::Stream::input_size, base::no_deadline);
    if (bytes.end != io::End::ok) return;
    last_use_ = std::chrono::steady_clock::now();
    service_.trigger(bytes.data);
  }
}

void Acceptor::after_client() {
  last_use_ = std::chrono::steady_clock::now();
  if ((limits_.one_client && clients_.empty()) || (kind_ == Kind::sessions && clients_.size() < limits_.share)) listen(true);
  stop_if_drained();
}

// Who has written may have more to say, and others too: let them, and take it all at once.
void Acceptor::gather_datagrams() const {
  const auto pause = service_.datagrams_may_lie();
  if (pause.count() == 0) {
    ::sched_yield();
    return;
  }
  const timespec time{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(pause).count()};
  ::nanosleep(&time, nullptr);  // the process has nothing else to do
}

void Acceptor::receive_datagrams(int socket) {
  // Not written to, so that only what datagrams have filled takes memory.
  if (!datagrams_) datagrams_ = std::make_unique_for_overwrite<char[]>(datagrams_per_call * datagram_size);
  std::array<iovec, datagrams_per_call> parts{};
  std::array<mmsghdr, datagrams_per_call> messages{};
  struct alignas(cmsghdr) Sender {
    std::array<char, CMSG_SPACE(sizeof(ucred))> bytes;
  };
  std::array<Sender, datagrams_per_call> senders{};
  for (std::size_t i = 0; i < datagrams_per_call; ++i) {
    parts[i] = {.iov_base = datagrams_.get() + i * datagram_size, .iov_len = datagram_size};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (int received = 0; received < datagrams_per_turn;) {
    for (std::size_t i = 0; i < datagrams_per_call; ++i) {
      messages[i].msg_hdr.msg_control = senders[i].bytes.data();
      messages[i].msg_hdr.msg_controllen = senders[i].bytes.size();
    }
    const int count = ::recvmmsg(socket, messages.data(), datagrams_per_call, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      datagram_sender_ = sender_of(messages[at].msg_hdr);
      service_.datagram(std::string_view(static_cast<const char*>(parts[at].iov_base), messages[at].msg_len));
    }
    // Fewer than there was room for: that was all.
    if (count < static_cast<int>(datagrams_per_call)) return;
    received += count;
  }
}

void Acceptor::begin_request(Connection& connection) {
  connection.at_rest = false;
  ++busy_;
  // At maxproc requests the others wait their turn; the connection does not count, only what is being served.
  if (!requests_.acquire(base::no_deadline)) CHECK(false);
  last_use_ = std::chrono::steady_clock::now();
}

void Acceptor::end_request(Connection& connection) {
  requests_.release();
  --busy_;
  connection.at_rest = true;
  last_use_ = std::chrono::steady_clock::now();
  static_cast<void>(is_outdated());
}

bool Acceptor::is_idle() const { return (kind_ == Kind::requests ? busy_ == 0 : clients_.empty()) && !service_.is_holding(); }

void Acceptor::check_idle() {
  const Deadline now = std::chrono::steady_clock::now();
  if (is_idle() && now - last_use_ >= limits_.max_idle) return drain(true);
  const auto rest = is_idle() ? limits_.max_idle - (now - last_use_) : std::chrono::steady_clock::duration(limits_.max_idle);
  idle_timer_ = event::Loop::current().timer(rest + std::chrono::milliseconds(1), [this] { check_idle(); });
}

void Acceptor::drain(bool tell) {
  if (draining_) return;
  draining_ = true;
  watches_.clear();
  if (kind_ == Kind::datagrams) {
    for (const Fd& listener : listeners_) receive_datagrams(listener.get());
  }
  // What waits in the backlog is for a successor; and when master is gone, the next master cannot bind to an address
  // at which a session of ours, however long it lasts, still seems to listen.
  listeners_.clear();
  listening_ = false;
  if (tell) tell_master_(ChildSays::leaving);
  service_.draining();
  for (Client& client : clients_) {
    if (kind_ == Kind::triggers || (kind_ == Kind::requests && client.connection.at_rest)) client.fiber.cancel();
  }
  if (limits_.drain_time_limit.count() > 0) {
    drain_timer_ = event::Loop::current().timer(limits_.drain_time_limit, [this] {
      for (Client& client : clients_) client.fiber.cancel();
    });
  }
  stop_if_drained();
}

void Acceptor::stop_if_drained() {
  if (draining_ && clients_.empty() && !service_.is_holding()) event::Loop::current().stop();
}

Busy::Busy(Connection& connection) : connection_(connection) { Acceptor::instance().begin_request(connection); }
Busy::~Busy() { Acceptor::instance().end_request(connection_); }

uid_t datagram_sender() { return Acceptor::instance().datagram_sender(); }
void released() { Acceptor::instance().after_client(); }
bool is_draining() { return Acceptor::instance().is_draining(); }
bool is_outdated() { return Acceptor::instance().is_outdated(); }

void log_bad_request(const base::Error& error) { maillog::warning("bad request: {}", error.message()); }

}  // namespace server
