#include "lib/owner/service.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/log/sink.h"
#include "lib/mailbox/spawner.h"
#include "lib/mailbox/worker_messages.h"
#include "lib/owner/messages.h"
#include "lib/owner/user_process.h"

namespace owner {
namespace {

constexpr std::chrono::seconds patience{30};         // with our own processes
constexpr std::chrono::seconds idle_time{10};        // a process without sessions stays for
constexpr std::chrono::seconds housekeeping_interval{2};
constexpr std::size_t processes_limit = 10'000;      // of users who have sessions
// A disk that is slow for one session keeps the others of its process waiting: where all users have one uid, they share several.
constexpr std::size_t sessions_per_process = 100;
constexpr std::int64_t id_limit = 0xfffffffe;        // of a uid or gid

Result<std::int64_t> id_of(std::string_view text, std::string_view what) {
  const auto number = ascii::parse_number(text, id_limit);
  if (!number) return base::fail(fmt::format("authd says no {}: \"{}\"", what, ascii::printable(text)));
  return static_cast<std::int64_t>(*number);
}

}  // namespace

std::string location_of(const std::string& mail_location, const std::string& home_mailbox, const std::string& spool_directory) {
  if (!mail_location.empty()) return mail_location;
  const bool is_at_home = !home_mailbox.empty();
  const std::string inbox = is_at_home ? "~/" + home_mailbox : spool_directory + (spool_directory.ends_with('/') ? "%u/" : "/%u");
  if (inbox.ends_with('/')) return "maildir:" + inbox.substr(0, inbox.size() - 1);
  return "mbox:~/mail:INBOX=" + inbox;
}

Result<mailbox::Identity> identity_of(const auth::User& user) {
  const auto uid = TRY(id_of(user.uid, "uid")), gid = TRY(id_of(user.gid, "gid"));
  if (uid == 0) return base::fail("a mailbox of root's is not served");
  return mailbox::Identity{static_cast<uid_t>(uid), static_cast<gid_t>(gid)};
}

struct Service::Process {
  Process(mailbox::Identity owner, Fd connection)
      : who(owner), orders(Fd(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0))), notes(std::move(connection)) {}
  mailbox::Identity who;
  io::Stream orders, notes;   // the same socket: one fiber writes while another waits for what it says
  event::Semaphore turn{1};   // for an order
  std::map<std::uint64_t, std::string> sessions;   // as anvil(8) counts them; empty: it does not
  Deadline idle_since = std::chrono::steady_clock::now();
};

Service::Service(Settings settings, auth::Client auth, ipc::Connections& services, Fd spawner)
    : settings_(std::move(settings)),
      auth_(std::move(auth)),
      anvil_(services),
      spawner_(std::move(spawner)) {}

Result<std::unique_ptr<Service>> Service::make(server::Startup& startup, Settings settings, Serve serve) {
  auto auth = TRY(auth::Client::to("private/" + settings.auth_service));
  // What users' processes find ready is memory that they share: each has little of its own.
  auto life = [serve = std::move(serve), confinement = TRY(users_confinement())](Fd connection, const std::string&) {
    serve_sessions(std::move(connection), serve, confinement);
  };
  // They log as this daemon does, over a socket that they open while they may.
  Fd spawner = TRY(mailbox::start_spawner({.root = {}, .warm_up = &warm_up, .before_change = &maillog::reopen, .serve = std::move(life)}));
  return std::unique_ptr<Service>(new Service(std::move(settings), std::move(auth), startup.services, std::move(spawner)));
}

void Service::started() {
  const auto fiber = event::Loop::current().spawn("processes", [this] {
    for (;;) {
      event::sleep_until(base::after(housekeeping_interval));
      housekeep();
    }
  });
  if (!fiber) maillog::fatal("{}", fiber.error().message());
}

void Service::serve(server::Connection& connection) {
  server::serve_requests<ipc::OpenMailbox>(connection, [this](ipc::MailboxRequest request) { return open(std::move(request)); });
}

ipc::MailboxAnswer Service::open(ipc::MailboxRequest request) {
  using Status = ipc::MailboxStatus;
  const auto user = auth_.redeem(request.ticket, settings_.service, request.session);
  if (!user) return {Status::unavailable, user.error().message()};
  if (!*user) {
    maillog::warning("{}: a ticket that is not good, or whose user has no mailbox", ascii::printable(request.client));
    return {Status::unavailable, "the login is not known, or its user has no mailbox"};
  }
  std::string ident;
  if (settings_.user_sessions_limit > 0) ident = fmt::format("{}:{}/{}", settings_.service, (*user)->name, request.client_address);
  if (!count(ident)) {
    return {Status::refused, fmt::format("Maximum number of connections from user+IP exceeded ({}={})", settings_.limit_parameter, settings_.user_sessions_limit)};
  }
  auto process = process_of(**user);
  if (!process) {
    uncount(ident);
    return {Status::unavailable, process.error().message()};
  }
  // In the books before anything that waits: whatever fails from here on, the session ends.
  const std::uint64_t number = ++last_session_;
  ++sessions_;
  (*process)->sessions.emplace(number, std::move(ident));
  if (auto done = order(**process, number, std::move(request), **user); !done) {
    ended(**process, number);
    return {Status::unavailable, done.error().message()};
  }
  return {Status::open, {}};
}

bool Service::count(const std::string& ident) {
  if (ident.empty() || anvil_.ask(ipc::AnvilEvent::connect, ident).count <= settings_.user_sessions_limit) return true;
  uncount(ident);
  return false;
}

void Service::uncount(const std::string& ident) {
  if (!ident.empty()) static_cast<void>(anvil_.ask(ipc::AnvilEvent::disconnect, ident));
}

Result<std::shared_ptr<Service::Process>> Service::process_of(const auth::User& user) {
  mailbox::Identity who = TRY(identity_of(user));
  // A process that serves only itself (not started by root) is everybody's.
  if (::geteuid() != 0) who = {::geteuid(), ::getegid()};
  const auto [first, last] = processes_.equal_range(who);
  for (auto each = first; each != last; ++each) {
    if (each->second->sessions.size() < sessions_per_process) return each->second;
  }
  return start(who);
}

Result<std::shared_ptr<Service::Process>> Service::start(mailbox::Identity who) {
  if (processes_.size() >= processes_limit) return base::fail("too many users have sessions");
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) return base::fail_system("socketpair");
  auto process = std::make_shared<Process>(who, Fd(ends[0]));
  mailbox::SpawnerRequest request;
  request.number = next_process_++;
  request.uid = who.uid;
  request.gid = who.gid;
  request.connection = Fd(ends[1]);
  if (!spawner_turn_.acquire(base::after(patience))) return base::fail("the spawner of users' processes does not answer");
  ipc::send(spawner_, request, base::after(patience));
  const io::End end = spawner_.flush(base::after(patience));
  spawner_turn_.release();
  if (end != io::End::ok) maillog::fatal("the spawner of users' processes is gone");
  const auto place = processes_.emplace(who, process);
  auto fiber = event::Loop::current().spawn("process", [this, process] { hear(process); });
  if (!fiber) {
    processes_.erase(place);
    return base::Failure(std::move(fiber).error());
  }
  return process;
}

Result<void> Service::order(Process& process, std::uint64_t number, ipc::MailboxRequest request, const auth::User& user) {
  const Deadline deadline = base::after(patience);
  const std::string quota = settings_.quota_of ? TRY(settings_.quota_of(user)) : std::string();
  SessionOrder order{.number = number,
                     .log_number = ascii::parse_number(request.session, INT64_MAX).value_or(0),
                     .user = user.name,
                     .home = user.home,
                     .mail = user.mail.empty() ? settings_.mail_location : user.mail,
                     .quota = quota,
                     .client = std::move(request.client),
                     .tag = std::move(request.tag),
                     .is_encrypted = request.is_encrypted,
                     .connection = std::move(request.connection),
                     .lifeline = std::move(request.lifeline)};
  const bool has_turn = process.turn.acquire(deadline);
  if (has_turn) {
    ipc::send(process.orders, order, deadline);
    const io::End end = process.orders.flush(deadline);
    process.turn.release();
    if (end == io::End::ok) return {};
  }
  return base::fail("the user's process does not answer");
}

// Until the process is gone: what it still served ends with it.
void Service::hear(const std::shared_ptr<Process>& process) {
  for (;;) {
    const auto note = ipc::receive<SessionNote>(process->notes, base::no_deadline);
    if (!note) break;
    ended(*process, note->number);
  }
  if (!process->sessions.empty()) maillog::warning("the process of uid {} died with {} sessions", process->who.uid, process->sessions.size());
  while (!process->sessions.empty()) ended(*process, process->sessions.begin()->first);
  std::erase_if(processes_, [&](const auto& each) { return each.second == process; });
}

void Service::ended(Process& process, std::uint64_t number) {
  const auto found = process.sessions.find(number);
  if (found == process.sessions.end()) return;
  const std::string ident = std::move(found->second);
  process.sessions.erase(found);
  process.idle_since = std::chrono::steady_clock::now();
  --sessions_;
  server::released();
  uncount(ident);   // last, since it waits
}

// A process that has had no session for a while is told to go; who comes meanwhile gets a new one.
void Service::housekeep() {
  const Deadline limit = std::chrono::steady_clock::now() - idle_time;
  std::erase_if(processes_, [&](const auto& each) {
    Process& process = *each.second;
    if (!process.sessions.empty() || process.idle_since > limit) return false;
    ::shutdown(process.orders.fd(), SHUT_WR);
    return true;
  });
}

}  // namespace owner
