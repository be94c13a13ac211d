#include "submit/pickup/server.h"

#include <cerrno>
#include <ctime>
#include <algorithm>
#include <cstdio>
#include <functional>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/ipc/receive_overrides.h"
#include "lib/log/log.h"
#include "lib/process/account.h"
#include "lib/queue/message.h"
#include "submit/pickup/pickup_params.h"
#include "submit/pickup/scan.h"

namespace pickup {
namespace {

using ipc::CleanupStatus;

constexpr std::size_t workers_limit = 8;  // messages on their way at a time: they share cleanup's directory fsyncs
constexpr int corrupt_names = 100;          // files of one name that corrupt/ may have

bool has_class(std::string_view list, std::string_view wanted) {
  for (const std::string_view item : ascii::split(list, ", \t\r\n")) {
    if (ascii::equal_ignoring_case(item, wanted) || ascii::equal_ignoring_case(item, "all")) return true;
  }
  return false;
}

std::string_view text_of(CleanupStatus status) {
  switch (status) {
    case CleanupStatus::ok: return "success";
    case CleanupStatus::bad: return "internal protocol error";
    case CleanupStatus::write: return "queue file write error";
    case CleanupStatus::space: return "insufficient system storage";
    case CleanupStatus::defer: return "temporary failure";
    case CleanupStatus::size: return "message file too big";
    case CleanupStatus::content: return "message content rejected";
    case CleanupStatus::hops: return "too many hops";
    case CleanupStatus::recipients: return "no recipients specified";
    case CleanupStatus::nobody_home: return "a content filter is not available";
  }
  return "unknown failure";
}

ipc::CleanupFlags wishes(int send_options) {
  using ipc::CleanupFlags;
  return ((send_options & queue::smtputf8_requested) != 0 ? CleanupFlags::smtputf8 : CleanupFlags::none) |
         ((send_options & queue::tls_required) != 0 ? CleanupFlags::tls_required : CleanupFlags::none);
}

// Sets a bool for the length of a scope, also when the fiber is cancelled in it.
class Scoped {
 public:
  explicit Scoped(bool& flag) : flag_(flag) { flag_ = true; }
  ~Scoped() { flag_ = false; }
  Scoped(const Scoped&) = delete;
  Scoped& operator=(const Scoped&) = delete;

 private:
  bool& flag_;
};

}  // namespace

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  ::tzset();  // the zone of dates, before the chroot hides its file
  // In a private instance of an ordinary user one uid stands for all, the mail owner's too.
  const auto owner = process::find_account(params.mail_owner);
  const auto overrides = TRY(ipc::ReceiveOverrides::parse(params.receive_override_options));
  ipc::CleanupFlags flags = ipc::CleanupFlags::bounce | overrides.cleanup_flags_beside_smtp();
  if (params.smtputf8_enable && has_class(params.smtputf8_autodetect_classes, "sendmail")) {
    flags = flags | ipc::CleanupFlags::autodetect_smtputf8;
  }
  Setup setup{{params.myhostname, params.mail_name, owner ? owner->uid : ::geteuid(), params.content_filter,
               static_cast<std::size_t>(params.line_length_limit)}, flags,
              "public/" + params.cleanup_service_name, params.ipc_timeout,
              queue::Layout("", params.hash_queue_names, params.hash_queue_depth), queue::remains_of(params.dont_remove)};
  return std::unique_ptr<server::Service>(new Server(startup.services, startup.clock, std::move(setup)));
}

void Server::trigger(std::string_view) {
  is_wanted_ = true;
  if (is_scanning_) return;
  const Scoped scanning(is_scanning_);
  while (is_wanted_) {
    is_wanted_ = false;
    if (pass()) is_wanted_ = true;
  }
}

bool Server::pass() {
  auto found = event::blocking(&scan_maildrop);
  if (!found) {
    maillog::warning("{}", found.error().message());
    return false;
  }
  names_.assign(found->names.begin(), found->names.end());
  removed_ = 0;
  const std::size_t wanted = std::min(workers_limit, names_.size());
  for (workers_ = 0; workers_ < wanted; ++workers_) {
    if (auto worker = event::Loop::current().spawn("pickup", [this] { work(); }); !worker) {
      if (workers_ > 0) break;
      maillog::warning("{}", worker.error().message());
      return false;
    }
  }
  while (workers_ > 0) static_cast<void>(worker_ended_.wait(base::no_deadline));
  return !found->is_complete && removed_ > 0;
}

void Server::work() {
  struct Leaving {
    Server& server;
    ~Leaving() {
      --server.workers_;
      server.worker_ended_.notify();
    }
  } leaving{*this};
  while (!names_.empty()) {
    const std::string name = std::move(names_.front());
    names_.pop_front();
    switch (pick_up(name)) {
      case Fate::removed: ++removed_; break;
      case Fate::kept: break;
      case Fate::cleanup_is_down: names_.clear(); break;  // the next trigger tries again
    }
  }
}

Server::Fate Server::pick_up(const std::string& name) {
  const auto file = MessageFile::open(name);
  if (!file) {
    const int code = file.error().code();
    if (code != ENOENT && code != EAGAIN) maillog::warning("{}", file.error().message());
    return Fate::kept;
  }
  auto stream = queue::MessageStream::open(services_, setup_.flags | wishes(file->send_options()), base::after(setup_.ipc_timeout), setup_.cleanup_socket);
  if (!stream) {
    maillog::warning("maildrop/{}: {}", name, stream.error().message());
    return Fate::cleanup_is_down;
  }
  const std::string id = stream->queue_id();
  const auto days = std::chrono::floor<std::chrono::days>(clock_.stamp() - file->modified()).count();
  if (days > 0) maillog::warning("{}: message maildrop/{} has been queued for {} days", id, name, days);
  switch (file->copy(*stream, setup_.identity, setup_.ipc_timeout)) {
    case MessageFile::Outcome::copied: break;
    case MessageFile::Outcome::malformed: return set_aside(name);
    case MessageFile::Outcome::stream_lost: break;  // cleanup may have said why
  }
  const auto closed = stream->finish(base::after(setup_.ipc_timeout));
  if (!closed) {
    maillog::warning("maildrop/{}: error writing {}: {}", name, id, closed.error().message());
    return Fate::kept;
  }
  if (closed->status == CleanupStatus::ok) return remove(name);
  maillog::warning("maildrop/{}: error writing {}: {}", name, id, text_of(closed->status));
  const bool is_hopeless = closed->status == CleanupStatus::bad || closed->status == CleanupStatus::recipients;
  return is_hopeless ? set_aside(name) : Fate::kept;
}

Server::Fate Server::remove(const std::string& name) {
  const std::string file = "maildrop/" + name;
  if (const auto id = queue::QueueId::parse(name); id && setup_.remains == queue::Remains::saved) {
    const auto saved = queue::save(setup_.layout, file, *id);
    if (!saved) maillog::exit_fatal(saved.error().message());
    return Fate::removed;
  }
  if (::unlink(file.c_str()) == 0 || errno == ENOENT) return Fate::removed;
  // It is in the queue now and would be sent again at each scan: better no pickup at all.
  maillog::exit_fatal("remove " + file + ": " + base::Error::system("", errno).message());
}

// A file that can never be a message is kept for people to look at.
Server::Fate Server::set_aside(const std::string& name) {
  const std::string from = "maildrop/" + name;
  std::string to = "corrupt/" + name;
  for (int other = 1; other <= corrupt_names; ++other) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
      maillog::warning("saving corrupt file \"{}\" from queue \"maildrop\" to queue \"corrupt\"", name);
      return Fate::removed;
    }
    if (errno != EEXIST) break;
    to = "corrupt/" + name + "." + std::to_string(other);
  }
  maillog::warning("{}", base::Error::system("rename " + from).message());
  return Fate::kept;
}

}  // namespace pickup
