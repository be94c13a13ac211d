#include "pipe/server.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/delivery/delivered_to.h"
#include "lib/log/log.h"
#include "lib/mailbox/environment.h"
#include "lib/mailbox/spawner.h"
#include "pipe/arguments.h"
#include "pipe/heading.h"

namespace pipe_agent {
namespace {

using delivery::Delivery;
using delivery::Status;

constexpr std::string_view command_diagnosis = "x-unix";

std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  Params params = TRY(Params::load(startup.main));
  Command command;
  command.service = startup.service;
  command.attributes = TRY(parse_attributes(startup.arguments));
  command.user = TRY(find_identity(command.attributes, {params.mail_owner, params.setgid_group}));
  command.environment = mailbox::with_path(mailbox::exported_environment(params.export_environment));
  command.time_limit = TRY(startup.main.time(startup.service + "_time_limit"));
  // The spawner is forked before tables and pools have threads of their own.
  Fd spawner = TRY(mailbox::start_spawner({.root = command.attributes.chroot, .before_change = {}, .serve = {}}));
  std::unique_ptr<Server> server(new Server(startup, std::move(params), std::move(command), std::move(spawner)));
  server->tables_ = std::make_unique<maps::Tables>(startup.table_options());
  server->status_filter_ = TRY(delivery::StatusFilter::open(*server->tables_, "pipe_delivery_status_filter",
                                                            server->params_.pipe_delivery_status_filter));
  server->flush_sites_ = TRY(queue::FlushSites::open(startup.main, server->params_, &startup.services));
  return server;
}

void Server::started() { workers_.start_housekeeping(); }

void Server::serve(server::Connection& connection) {
  server::serve_requests<ipc::Deliver>(connection, [this](const ipc::DeliveryRequest& request) { return deliver(request); });
}

ipc::DeliveryAnswer Server::deliver(const ipc::DeliveryRequest& request) {
  delivery::BounceClient sink(services_, delivery::LogSockets::of(params_), &flush_sites_);
  delivery::Recorder recorder(request, sink, clock_, {params_.soft_bounce, params_.delay_logging_resolution_limit, &status_filter_});
  auto recipients = without_loops(request, recorder);
  if (!recipients) {
    const Delivery damaged = ended(Status::deferred, {4, 3, 0}, "queue file: " + recipients.error().message());
    for (const ipc::DeliveryRecipient& recipient : request.recipients) recorder.record(recipient, damaged);
  } else if (!recipients->empty()) {
    // Arguments have always come sorted.
    std::ranges::stable_sort(*recipients, {}, [](const ipc::DeliveryRecipient* recipient) -> const std::string& { return recipient->address; });
    const Delivery delivery = deliver_to(request, *recipients);
    for (const ipc::DeliveryRecipient* recipient : *recipients) recorder.record(*recipient, delivery);
  }
  return recorder.answer();
}

Result<Server::Recipients> Server::without_loops(const ipc::DeliveryRequest& request, delivery::Recorder& recorder) const {
  delivery::DeliveredTo before;
  if (command_.attributes.flags.delivered_to) before = TRY(delivery::DeliveredTo::read(request.file.get(), request.data_offset));
  Recipients rest;
  for (const ipc::DeliveryRecipient& recipient : request.recipients) {
    if (before.contains(recipient.address)) {
      recorder.record(recipient, ended(Status::bounced, {5, 4, 6}, fmt::format("mail forwarding loop for {}", recipient.address)));
    } else {
      rest.push_back(&recipient);
    }
  }
  return rest;
}

Delivery Server::deliver_to(const ipc::DeliveryRequest& request, const Recipients& recipients) {
  const Attributes& attributes = command_.attributes;
  if (attributes.size_limit > 0 && request.data_size > attributes.size_limit) {
    return ended(Status::bounced, {5, 2, 3}, "message too large");
  }
  for (const auto& [letter, is_set] : {std::pair{'D', attributes.flags.delivered_to}, std::pair{'O', attributes.flags.original_to}}) {
    if (!is_set || request.recipients.size() == 1) continue;
    maillog::warning("pipe flag `{}' requires {}_destination_recipient_limit = 1", letter, command_.service);
    return ended(Status::deferred, {4, 3, 5}, "mail system configuration error");
  }
  if (request.verify_only) return ended(Status::sent, {2, 0, 0}, "delivers to command: " + attributes.arguments.front());
  auto arguments = expand_arguments(attributes.arguments, request, recipients,
                                    {.flags = attributes.flags,
                                     .null_sender = attributes.null_sender,
                                     .delimiters = {params_.recipient_delimiter, params_.owner_request_special},
                                     .service = command_.service});
  if (!arguments) {
    maillog::warning("{}", arguments.error().message());
    return ended(Status::deferred, {4, 3, 5}, "mail system configuration error");
  }
  return run(request, recipients, std::move(*arguments));
}

Delivery Server::run(const ipc::DeliveryRequest& request, const Recipients& recipients, std::vector<std::string> arguments) {
  const Attributes& attributes = command_.attributes;
  mailbox::PipeTask task;
  task.file = mailbox::read_only(request.file);
  task.data_offset = request.data_offset;
  task.heading = heading_of(request, *recipients.front(), attributes);
  task.line_end = attributes.line_end;
  task.quotes_from = attributes.flags.quotes_from;
  task.doubles_dots = attributes.flags.doubles_dots;
  task.ends_with_empty_line = attributes.flags.empty_line_at_end;
  task.arguments = std::move(arguments);
  task.directory = attributes.directory;
  task.environment = command_.environment;
  task.time_limit = command_.time_limit;
  const auto answer = workers_.ask(command_.user, task, command_.time_limit);
  if (!answer) {
    maillog::warning("{}", answer.error().message());
    return ended(Status::deferred, {4, 3, 0}, "delivery worker failure");
  }
  for (const std::string& line : answer->fatal) maillog::write(maillog::Level::fatal, line);
  for (const std::string& warning : answer->warnings) maillog::warning("{}", warning);

  const mail::Dsn dsn = mail::Dsn::parse(answer->dsn).value_or(mail::Dsn(4, 3, 0));
  if (dsn.is_success()) {
    std::string reason = fmt::format("delivered via {} service", command_.service);
    const std::string said = in_one_line(std::string(ascii::trim(answer->diagnosis)));
    if (!said.empty()) reason += fmt::format(" ({})", said);
    Delivery delivery = ended(Status::sent, {2, 0, 0}, std::move(reason));
    if (!attributes.flags.is_final) delivery.action = "relayed";
    return delivery;
  }
  Delivery delivery = ended(dsn.is_permanent() ? Status::bounced : Status::deferred, dsn, answer->reason);
  delivery.diag_type = command_diagnosis;
  delivery.diag_text = in_one_line(std::string(ascii::trim(answer->diagnosis.empty() ? answer->reason : answer->diagnosis)));
  return delivery;
}

Delivery Server::ended(Status status, mail::Dsn dsn, std::string reason) const {
  Delivery delivery;
  delivery.status = status;
  delivery.dsn = dsn;
  delivery.relay = command_.service;
  delivery.reason = std::move(reason);
  return delivery;
}

}  // namespace pipe_agent
