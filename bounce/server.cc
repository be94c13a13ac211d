#include "bounce/server.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "bounce/bounce_params.h"
#include "lib/base/ascii.h"
#include "lib/delivery/session_notice.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/queue/log_file.h"

namespace bounce {
namespace {

constexpr std::size_t template_file_limit = 1024 * 1024;

bool has_word(std::string_view list, std::string_view word) {
  const auto words = ascii::split(list, ", \t\r\n");
  return std::ranges::find(words, word) != words.end();
}

Result<Policy> policy_of(const Params& params) {
  using delivery::NoticeClass;
  const NoticeClass wanted = TRY(delivery::parse_notice_classes(params.notify_classes));
  const auto wants = [&](NoticeClass one) { return (wanted & one) != NoticeClass::none; };
  Policy policy;
  policy.postmaster_bounce = wants(NoticeClass::bounce);
  policy.postmaster_2bounce = wants(NoticeClass::double_bounce);
  policy.postmaster_delay = wants(NoticeClass::delay);
  policy.bounce_recipient = params.bounce_notice_recipient;
  policy.double_bounce_recipient = params.p_2bounce_notice_recipient;
  policy.delay_recipient = params.delay_notice_recipient;
  policy.double_bounce_sender = params.double_bounce_sender + '@' + params.myhostname;
  policy.null_sender = "MAILER-DAEMON@" + params.myhostname;
  policy.size_limit = params.bounce_size_limit;
  policy.heeds_tls_required = params.tls_required_enable;
  policy.redacts = params.requiretls_redact_dsn;
  policy.remains = queue::remains_of(params.dont_remove);
  policy.threaded = params.enable_threaded_bounces;
  return policy;
}

Result<Templates> templates_of(const Params& params, const config::Main& main) {
  Templates templates;
  std::vector<std::string> warnings;
  if (!params.bounce_template_file.empty()) {
    const std::string text = TRY(io::read_file(params.bounce_template_file, template_file_limit));
    templates.read(text, params.bounce_template_file, warnings);
  }
  const auto expanded = templates.expand(main, warnings);
  for (const std::string& warning : warnings) maillog::warning("{}", warning);
  if (!expanded) return base::Failure(expanded.error());
  return templates;
}

// One program, three services of master.cf: the name decides which.
std::optional<queue::Queue> log_of(std::string_view service, const Params& params) {
  if (service == params.bounce_service_name) return queue::Queue::bounce;
  if (service == params.defer_service_name) return queue::Queue::defer;
  if (service == params.trace_service_name) return queue::Queue::trace;
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  const std::optional<queue::Queue> log = log_of(startup.service, params);
  if (!log) {
    return base::fail(fmt::format("the service must be named {}, {} or {}, not {}", params.bounce_service_name, params.defer_service_name,
                                  params.trace_service_name, startup.service));
  }
  Setup setup{
      .layout = queue::Layout("", params.hash_queue_names, params.hash_queue_depth),
      .policy = TRY(policy_of(params)),
      .templates = TRY(templates_of(params, startup.main)),
      .site = {.hostname = params.myhostname,
               .mail_name = params.mail_name,
               .smtputf8_enable = params.smtputf8_enable,
               .maximal_queue_lifetime = params.maximal_queue_lifetime,
               .is_filtered = has_word(params.internal_mail_filter_classes, "bounce"),
               .from_has_comment = params.header_from_format == "obsolete"},
      .line_length_limit = static_cast<std::size_t>(params.line_length_limit),
      .cleanup_socket = "public/" + params.cleanup_service_name,
      .old_line = params.backwards_bounce_logfile_compatibility ? queue::OldLine::yes : queue::OldLine::no,
  };
  return std::unique_ptr<server::Service>(new Server(startup, *log, std::move(setup)));
}

Server::Server(server::Startup& startup, queue::Queue log, Setup setup)
    : log_(log),
      old_line_(setup.old_line),
      layout_(setup.layout),
      outbox_(startup.services, startup.clock, std::move(setup.site), setup.line_length_limit,
              std::move(setup.cleanup_socket)),
      notifier_(std::move(setup.layout), std::move(setup.policy), std::move(setup.templates), outbox_) {}

void Server::serve(server::Connection& connection) {
  server::serve_requests<ipc::Bounce>(connection,
                                      [this](const ipc::BounceRequest& request) { return ipc::BounceAnswer{handle(request)}; });
}

bool Server::handle(const ipc::BounceRequest& request) {
  auto id = queue::QueueId::parse(request.queue_id);
  const auto queue = queue::find_queue(request.queue_name);
  if (!id || !queue) {
    maillog::warning("malformed request: queue {}, id {}", request.queue_name, request.queue_id);
    return false;
  }
  const Subject subject{request, std::move(*id), *queue};
  switch (request.command) {
    case ipc::BounceCommand::append: return append(subject);
    case ipc::BounceCommand::flush: return notifier_.flush(subject, log_);
    case ipc::BounceCommand::warn: return notifier_.warn(subject);
    case ipc::BounceCommand::one: return notifier_.one(subject);
    case ipc::BounceCommand::trace: return notifier_.trace(subject);
    case ipc::BounceCommand::remove: return notifier_.remove(subject, log_);
  }
  maillog::warning("{}: unknown request {}", subject.id.text(), static_cast<int>(request.command));
  return false;
}

// A recipient of bounce/ID or trace/ID is marked done next: the record must outlive a power cut. One of defer/ID stays
// in the queue file.
bool Server::append(const Subject& subject) {
  const auto durability = log_ == queue::Queue::defer ? queue::Durability::none : queue::Durability::disk;
  const auto appended = queue::append_status(layout_, log_, subject.id, subject.request.recipient, durability, old_line_);
  if (!appended) maillog::warning("{}: {}", subject.id.text(), appended.error().message());
  return appended.has_value();
}

}  // namespace bounce
