#include "cleanup/server.h"

#include <cerrno>
#include <ctime>

#include "cleanup/cleanup_params.h"
#include "lib/base/ascii.h"
#include "lib/base/c_escapes.h"
#include "lib/log/log.h"

namespace cleanup {
namespace {

using ipc::CleanupStatus;
using ipc::MessageClosed;

constexpr std::string_view separators = ", \t\r\n";

bool has_word(std::string_view list, std::string_view word) {
  for (const std::string_view item : ascii::split(list, separators)) {
    if (ascii::equal_ignoring_case(item, word)) return true;
  }
  return false;
}

std::size_t to_size(long value) { return static_cast<std::size_t>(value); }

std::vector<mail::MimeFault> refused_faults(const Params& params) {
  std::vector<mail::MimeFault> faults;
  if (params.strict_7bit_headers || params.strict_8bitmime) faults.push_back(mail::MimeFault::eight_bit_header);
  if (params.strict_8bitmime_body || params.strict_8bitmime) faults.push_back(mail::MimeFault::eight_bit_body);
  if (params.strict_mime_encoding_domain) faults.push_back(mail::MimeFault::encoded_container);
  return faults;
}

Result<Policy> make_policy(const Params& params) {
  Policy policy;
  policy.myhostname = params.myhostname;
  policy.drop_headers.clear();
  for (const std::string_view name : ascii::split(params.message_drop_headers, separators)) {
    policy.drop_headers.push_back(ascii::lowercase(name));
  }
  policy.header_size_limit = to_size(params.header_size_limit);
  policy.header_address_token_limit = to_size(params.header_address_token_limit);
  policy.line_length_limit = to_size(params.line_length_limit);
  policy.attribute_count_limit = to_size(params.queue_file_attribute_count_limit);
  policy.message_size_limit = params.message_size_limit;
  policy.hopcount_limit = params.hopcount_limit;
  policy.always_add_missing_headers = params.always_add_missing_headers;
  policy.replace_stray_cr_lf = params.cleanup_replace_stray_cr_lf;
  policy.detect_8bit_encoding_header = params.detect_8bit_encoding_header;
  policy.parse_mime = !params.disable_mime_input_processing;
  if (params.disable_mime_input_processing && params.force_mime_input_conversion) {
    return base::fail("do not specify both disable_mime_input_processing=yes and force_mime_input_conversion=yes");
  }
  policy.refused_faults = refused_faults(params);
  policy.converts = params.force_mime_input_conversion;
  policy.rejected_characters = base::unescape_c(params.message_reject_characters);
  policy.stripped_characters = base::unescape_c(params.message_strip_characters);
  policy.mime_nesting_limit = to_size(params.mime_nesting_limit);
  policy.mime_boundary_length_limit = to_size(params.mime_boundary_length_limit);
  policy.heeds_tls_required = params.tls_required_enable;
  policy.has_require_tls_header = params.requiretls_esmtp_header;
  policy.header_end = TRY(parse_header_end(params.non_empty_end_of_header_action));
  policy.from_format = TRY(parse_from_format(params.header_from_format));
  policy.remote_header_rewrite_domain = params.remote_header_rewrite_domain;
  policy.undisclosed_recipients_header = params.undisclosed_recipients_header;
  policy.full_name_encoding_charset = params.full_name_encoding_charset;
  policy.empty_address_recipient = params.empty_address_recipient;
  policy.always_bcc = params.always_bcc;
  policy.delay_warning_time = params.delay_warning_time;
  policy.enable_original_recipient = params.enable_original_recipient;
  policy.duplicate_filter_limit = to_size(params.duplicate_filter_limit);
  policy.alias = {to_size(params.virtual_alias_expansion_limit), to_size(params.virtual_alias_recursion_limit),
                  to_size(params.virtual_alias_address_length_limit)};
  policy.propagate_virtual = has_word(params.propagate_unmatched_extensions, "virtual");
  policy.propagate_canonical = has_word(params.propagate_unmatched_extensions, "canonical");
  policy.canonical_places = TRY(parse_places("canonical_classes", params.canonical_classes));
  policy.sender_canonical_places = TRY(parse_places("sender_canonical_classes", params.sender_canonical_classes));
  policy.recipient_canonical_places = TRY(parse_places("recipient_canonical_classes", params.recipient_canonical_classes));
  policy.masquerade_places = TRY(parse_places("masquerade_classes", params.masquerade_classes));
  for (const std::string_view domain : ascii::split(params.masquerade_domains, separators)) {
    policy.masquerade_domains.push_back(ascii::lowercase(domain));
  }
  return policy;
}

Result<CheckMaps> open_checks(maps::Tables& tables, const Params& params) {
  const auto open = [&](std::string_view name, const std::string& value) {
    return maps::Maps::open(tables, name, value, maps::Flags::none);
  };
  CheckMaps checks;
  checks.header = TRY(open("header_checks", params.header_checks));
  checks.mime = TRY(open("mime_header_checks", params.mime_header_checks));
  checks.nested = TRY(open("nested_header_checks", params.nested_header_checks));
  checks.body = TRY(open("body_checks", params.body_checks));
  checks.milter = TRY(open("milter_header_checks", params.milter_header_checks));
  checks.body_size_limit = to_size(params.body_checks_size_limit);
  return checks;
}

Result<FilterSetup> filter_setup(const Params& params) {
  const milter::Options options = TRY(milter::options_of(params));
  return FilterSetup{.filters = TRY(milter::parse_filters("non_smtpd_milters", params.non_smtpd_milters, options, milter::Names::now)),
                     .macro_lists = TRY(milter::macro_lists_of(params)),
                     .daemon_name = params.milter_macro_daemon_name,
                     .v = params.milter_macro_v};
}

Result<Asker::AddressMaps> open_maps(maps::Tables& tables, const Params& params) {
  const maps::Flags flags =
      maps::Flags::fold_keys | (params.smtputf8_enable ? maps::Flags::utf8 : maps::Flags::none);
  const auto value_of = [&](AddressTable table) -> const std::string& {
    switch (table) {
      case AddressTable::virtual_alias: break;
      case AddressTable::canonical: return params.canonical_maps;
      case AddressTable::sender_canonical: return params.sender_canonical_maps;
      case AddressTable::recipient_canonical: return params.recipient_canonical_maps;
      case AddressTable::sender_bcc: return params.sender_bcc_maps;
      case AddressTable::recipient_bcc: return params.recipient_bcc_maps;
    }
    return params.virtual_alias_maps;
  };
  Asker::AddressMaps opened;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    const auto table = static_cast<AddressTable>(i);
    opened[i] = TRY(maps::Maps::open(tables, parameter_name(table), value_of(table), flags));
  }
  return opened;
}

// The queue file as the steps see it. The first failure is kept; nothing is written after it.
class FileOutput final : public Output {
 public:
  explicit FileOutput(queue::IncomingFile& file) : file_(file) {}
  void put(queue::RecordType type, std::string_view data) override {
    if (failure_) return;
    if (auto added = file_.add(type, data); !added) failure_ = std::move(added).error();
  }
  [[nodiscard]] std::int64_t content_size() const override { return file_.content_size(); }
  [[nodiscard]] const std::optional<base::Error>& failure() const { return failure_; }

 private:
  queue::IncomingFile& file_;
  std::optional<base::Error> failure_;
};

bool is_no_space(int code) { return code == ENOSPC || code == EDQUOT; }

MessageClosed write_failure(const std::string& id, const base::Error& error) {
  maillog::warning("{}: queue file write error: {}", id, error.message());
  return {is_no_space(error.code()) ? CleanupStatus::space : CleanupStatus::write, ""};
}

void log_canceled(const std::string& id) { maillog::info("{}: removed (canceled)", id); }

}  // namespace

Result<std::unique_ptr<server::Service>> Server::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  ::tzset();  // the zone of dates, before the chroot hides its file
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  auto address_maps = TRY(open_maps(*tables, params));
  Policy policy = TRY(make_policy(params));
  policy.checks = TRY(open_checks(*tables, params));
  auto local = TRY(maps::MatchList::parse(*tables, "mydestination", params.mydestination, maps::ListKind::domain, false));
  auto exceptions = TRY(maps::MatchList::parse(*tables, "masquerade_exceptions", params.masquerade_exceptions,
                                               maps::ListKind::string, false));
  auto asker = std::make_unique<Asker>(ipc::Addresses(startup.services, startup.clock, "private/" + params.rewrite_service_name), std::move(address_maps),
                                       std::move(local), std::move(exceptions),
                                       Asker::Options{{params.recipient_delimiter, params.owner_request_special}, params.myorigin});
  Setup setup{
      .policy = std::move(policy),
      .tables = std::move(tables),
      .asker = std::move(asker),
      .layout = queue::Layout("", params.hash_queue_names, params.hash_queue_depth),
      .id_form = params.enable_long_queue_ids ? queue::IdForm::long_form : queue::IdForm::short_form,
      .ipc_timeout = params.ipc_timeout,
      .delay_resolution = params.delay_logging_resolution_limit,
      .log_sockets = delivery::LogSockets::of(params),
      .qmgr_socket = "public/" + params.queue_service_name,
      .filters = TRY(filter_setup(params)),
      .in_flow_delay = params.in_flow_delay,
      .inflow_allowance = to_size(params.default_process_limit),
  };
  return std::unique_ptr<server::Service>(new Server(startup, std::move(setup)));
}

Server::Server(server::Startup& startup, Setup setup)
    : clock_(startup.clock),
      setup_(std::move(setup)),
      bouncer_(startup.services, startup.clock, setup_.delay_resolution, setup_.log_sockets),
      notice_(setup_.qmgr_socket),
      inflow_(setup_.layout.directory(queue::Queue::incoming), setup_.in_flow_delay, setup_.inflow_allowance) {}

void Server::started() {
  auto incoming = queue::IncomingDirectory::open(setup_.layout, setup_.id_form, clock_);
  if (!incoming) maillog::exit_fatal(incoming.error().message());
  incoming_ = std::move(*incoming);
}

void Server::serve(server::Connection& connection) {
  while (!server::is_draining()) {
    const auto open = ipc::receive<ipc::OpenMessage>(connection.stream, base::no_deadline);
    if (!open) {
      if (open.error().message() != ipc::end_of_stream) server::log_bad_request(open.error());
      return;
    }
    if (server::is_outdated()) return;
    const server::Busy busy(connection);
    if (!open->lost_id.empty()) {
      ipc::send(connection.stream, recover(open->lost_id), base::after(setup_.ipc_timeout));
      if (connection.stream.flush(base::after(setup_.ipc_timeout)) != io::End::ok) return;
    } else if (!serve_message(connection, open->flags)) {
      return;
    }
  }
}

bool Server::has_milters(ipc::CleanupFlags flags) const {
  if (ipc::has(flags, ipc::CleanupFlags::own_milters)) return true;
  return ipc::has(flags, ipc::CleanupFlags::milters) && !setup_.filters.filters.empty();
}

bool Server::receive(io::Stream& stream, Message& message, ContentFilters* filters) const {
  std::string buffer;
  base::RollingDeadline deadline(setup_.ipc_timeout);
  std::size_t size = 0;
  while (!message.is_finished()) {
    const auto record = queue::read_record(stream, buffer, deadline.of(size));
    if (!record) return false;
    size = record->data.size();
    if (filters != nullptr && filters->come_with(record->type)) {
      if (const auto taken = filters->take_over(stream, record->data, setup_.ipc_timeout); !taken) {
        maillog::warning("{}: {}", message.queue_id(), taken.error().message());
        return false;
      }
      continue;
    }
    message.take(record->type, record->data);
    if (filters != nullptr) filters->follow(record->type);
  }
  return true;
}

bool Server::serve_message(server::Connection& connection, ipc::CleanupFlags flags) {
  io::Stream& stream = connection.stream;
  const auto deadline = [&] { return base::after(setup_.ipc_timeout); };

  inflow_.pass();
  auto file = incoming_->create();
  Result<std::unique_ptr<Draft>> draft = nullptr;   // what milters may change waits elsewhere
  if (file && has_milters(flags)) draft = Draft::open(setup_.layout.directory(queue::Queue::incoming));
  if (!file || !draft) {
    const std::string& why = file ? draft.error().message() : file.error().message();
    maillog::warning("cannot create a queue file: {}", why);
    ipc::send(stream, ipc::MessageOpened{"", why}, deadline());
    return stream.flush(deadline()) == io::End::ok;
  }
  const std::string id = file->id().text();
  ipc::send(stream, ipc::MessageOpened{id, ""}, deadline());

  FileOutput output(*file);
  Message message(*setup_.asker, setup_.policy, *draft ? static_cast<Output&>(**draft) : output, {id, clock_.stamp(), flags});
  std::optional<ContentFilters> filters;
  if (*draft) filters.emplace(setup_.filters, setup_.policy, **draft, message, flags);
  if (!receive(stream, message, filters ? &*filters : nullptr)) {
    log_canceled(id);   // the file goes with this scope
    return false;
  }
  if (filters) filters->finish(output);
  const std::optional<base::Error>& failure = *draft && (*draft)->failure() ? (*draft)->failure() : output.failure();
  const MessageClosed closed = close(message, std::move(*file), failure, flags);
  ipc::send(stream, closed, deadline());
  const bool is_usable = stream.flush(deadline()) == io::End::ok;
  // After a bad record nobody knows where the next message starts.
  return is_usable && closed.status != CleanupStatus::bad;
}

// A message that another process of ours has taken in, and died before it could say so.
MessageClosed Server::recover(const std::string& lost_id) {
  const auto id = queue::QueueId::parse(lost_id);
  if (!id) return {CleanupStatus::bad, ""};
  const auto is_on_disk = incoming_->recover(*id);
  if (!is_on_disk) {
    maillog::warning("{}: {}", lost_id, is_on_disk.error().message());
    return {CleanupStatus::write, ""};
  }
  if (!*is_on_disk) return {CleanupStatus::write, ""};
  maillog::info("{}: complete, although the process that took it in has died", lost_id);
  notice_.send(lost_id);
  return {CleanupStatus::ok, ""};
}

// What becomes of the message: the one place where a client's "ok" is decided.
MessageClosed Server::close(Message& message, queue::IncomingFile file, const std::optional<base::Error>& failure,
                            ipc::CleanupFlags flags) {
  const std::string id = file.id().text();
  MessageClosed closed{message.status(), message.reason(), message.reply()};
  if (failure && closed.status != CleanupStatus::bad) closed = write_failure(id, *failure);
  if (closed.status == CleanupStatus::ok && message.is_discarded()) {
    maillog::info("{}: removed (discarded)", id);
    return closed;
  }
  if (closed.status == CleanupStatus::ok) {
    const std::vector<Expanded> expanded = message.take_expanded();
    if (!bouncer_.trace_expanded(message, id, expanded)) {
      closed = {CleanupStatus::write, ""};
    } else {
      file.set_queue_flags(message.queue_flags());
      file.set_send_options(message.send_options());
      const auto queue = message.is_held() ? queue::FirstQueue::hold : queue::FirstQueue::incoming;
      maillog::flush();  // what we said of the message stands before what the queue manager will say
      if (const auto committed = std::move(file).commit(queue); committed) {
        if (!message.is_held()) notice_.send(id);
        return closed;
      } else {
        closed = write_failure(id, committed.error());
      }
    }
    if (!expanded.empty()) bouncer_.drop_trace(id);
  } else if (ipc::has(flags, ipc::CleanupFlags::bounce) && refusal_for(closed.status, closed.reason)) {
    return bounce(message, std::move(file));
  }
  log_canceled(id);
  return closed;
}

// A message of a local user, who has no SMTP session to hear the refusal in: it goes back as a notice.
MessageClosed Server::bounce(Message& message, queue::IncomingFile file) {
  const queue::QueueId id = file.id();
  const std::string reason = message.reason();
  const Refusal refusal = refusal_for(message.status(), reason).value();
  file.set_queue_flags(message.queue_flags());
  file.set_send_options(message.send_options());
  maillog::flush();
  if (const auto committed = std::move(file).commit(queue::FirstQueue::hold); !committed) {
    return write_failure(id.text(), committed.error());
  }
  if (const auto bounced = bouncer_.bounce(setup_.layout, id, message, refusal); !bounced) {
    maillog::warning("{}: {}", id.text(), bounced.error().message());
    return {CleanupStatus::defer, ""};
  }
  return {CleanupStatus::ok, ""};
}

}  // namespace cleanup
