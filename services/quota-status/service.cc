#include "services/quota-status/service.h"

#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/config/log_setup.h"
#include "lib/log/log.h"
#include "lib/mailbox/spawner.h"
#include "lib/owner/service.h"
#include "lib/sandbox/enforce.h"
#include "lib/store/location.h"

namespace quota_status {
namespace {

constexpr std::chrono::seconds patience{30};         // with an smtpd that does not take the answer
constexpr std::chrono::seconds count_patience{60};   // with a Maildir whose messages are counted

constexpr std::string_view has_room = "DUNNO";       // what follows decides

// A worker looks into the Maildirs of its user, and no further.
void serve_worker(Fd connection) {
  if (auto done = sandbox::enforce({.connects_unix = false, .accepts = false, .reads_files = true, .writes_files = true}); !done) {
    maillog::fatal("{}", done.error().message());
  }
  mailbox::serve_tasks(std::move(connection), {}, &store::quota_books);
}

}  // namespace

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  Params params = TRY(Params::load(startup.main));
  auto auth = TRY(auth::Client::to("private/" + params.auth_service_name));
  // The spawner is forked before tables and pools have threads of their own. Workers log as this daemon does, over a socket that they
  // open while they may.
  auto log = [&main = startup.main] { config::open_log(main, "quota-status", config::LogUser::daemon); };
  Fd spawner = TRY(mailbox::start_spawner(
      {.root = {}, .before_change = log, .serve = [](Fd connection, const std::string&) { serve_worker(std::move(connection)); }}));
  std::unique_ptr<Service> service(new Service(std::move(params), std::move(auth), std::move(spawner)));
  const Params& set = service->params_;
  service->tables_ = std::make_unique<maps::Tables>(startup.table_options());
  service->local_domains_ = TRY(maps::MatchList::parse(*service->tables_, "mydestination", set.mydestination, maps::ListKind::string, false));
  service->delimiters_ = {set.recipient_delimiter, set.owner_request_special};
  service->quotas_ = TRY(store::QuotaRules::open(*service->tables_, set.mail_quota, set.mail_quota_maps, service->delimiters_));
  service->mail_location_ = owner::location_of(set.mail_location, set.home_mailbox, set.mail_spool_directory);
  return service;
}

void Service::serve(server::Connection& connection) {
  while (!server::is_draining()) {
    const auto request = read_request(connection.stream);
    if (!request || server::is_outdated()) return;
    const server::Busy busy(connection);
    connection.stream.write(fmt::format("action={}\n\n", action(*request)), base::after(patience));
    if (connection.stream.flush(base::after(patience)) != io::End::ok) return;
  }
}

std::optional<Request> Service::read_request(io::Stream& stream) {
  Request request;
  for (;;) {
    const io::LineResult line = stream.read_line(request.attributes == 0 ? base::no_deadline : base::after(patience), line_limit);
    if (line.end() == io::End::too_long) server::log_bad_request(base::Error("an attribute is too long"));
    if (!line) return std::nullopt;
    if (line.text().empty()) break;
    if (auto taken = request.take(line.text()); !taken) {
      server::log_bad_request(taken.error());
      return std::nullopt;
    }
  }
  if (request.kind == "smtpd_access_policy") return request;
  server::log_bad_request(base::Error(fmt::format("request=\"{}\" is not smtpd_access_policy", ascii::printable(request.kind))));
  return std::nullopt;
}

std::string Service::action(const Request& request) {
  if (request.state != "RCPT") {
    maillog::warning("asked in state {}: only restrictions of recipients have an answer here", ascii::printable(request.state));
    return std::string(has_room);
  }
  auto judged = judge(request);
  if (judged) return std::move(*judged);
  maillog::warning("{}: {}", ascii::printable(request.recipient), judged.error().message());
  return "DEFER_IF_PERMIT Internal quota calculation error";
}

Result<std::string> Service::judge(const Request& request) {
  const auto user = TRY(find_user(request.recipient));
  if (!user) return std::string(has_room);
  const std::string& mail = user->mail.empty() ? mail_location_ : user->mail;
  const store::Location location = TRY(store::Location::parse(mail, {user->name, user->home}));
  if (location.kind != store::Location::Kind::maildir) return std::string(has_room);
  mailbox::QuotaTask task;
  task.path = location.root;
  task.quota = TRY(quotas_.of(user->name, user->quota_rule));
  task.is_temporary = params_.quota_full_tempfail;
  task.bytes = request.size;
  const mailbox::Identity who = TRY(owner::identity_of(*user));
  const auto answer = TRY(workers_.ask(who, task, count_patience));
  for (const std::string& warning : answer.warnings) maillog::warning("{}", warning);
  const mail::Dsn dsn = mail::Dsn::parse(answer.dsn).value_or(mail::Dsn(4, 3, 0));
  if (dsn.is_success()) return std::string(has_room);
  if (dsn.with_class(5) != mail::Dsn(5, 2, 2)) return base::fail(answer.reason);
  return fmt::format("{} {} {}", dsn.is_permanent() ? 554 : 452, answer.dsn, answer.reason);
}

Result<std::optional<auth::User>> Service::find_user(std::string_view recipient) {
  const auto at = recipient.rfind('@');
  // Mailboxes' names have small letters, as local(8) and virtual(8) look for them.
  const std::string local = ascii::lowercase(mail::split_extension(recipient.substr(0, at), delimiters_).user);
  const std::string domain = at == std::string_view::npos ? std::string() : ascii::lowercase(recipient.substr(at + 1));
  if (local.empty()) return std::nullopt;
  if (!domain.empty()) {
    auto user = TRY(auth_.user(fmt::format("{}@{}", local, domain), "quota"));
    if (user || !TRY(local_domains_.matches(domain))) return user;
  }
  return auth_.user(local, "quota");
}

}  // namespace quota_status
