#include "smtpd/filter_intake.h"

#include <fmt/format.h>

#include "lib/log/log.h"
#include "lib/mail/address.h"

namespace smtpd {
namespace {

constexpr std::size_t command_limit = 512;   // RFC 5321 section 4.5.3.1.4, with CR LF
constexpr std::size_t shown_of_value = 10;

Reply failure() { return {451, "4.3.0 Error: queue file write error"}; }

// The filter's own words where they are a refusal; all else that is not wanted is a failure.
Reply refusal_of(const smtp::ServerReply& reply) {
  return reply.is_temporary() || reply.is_permanent() ? reply_of(reply) : failure();
}

bool is(const smtp::ServerReply& reply, Wanted wanted) {
  return wanted == Wanted::go_on ? reply.is_intermediate() : reply.is_positive();
}

// XFORWARD with what the filter wants to know, in as many commands as the limit of a line asks for.
std::vector<std::string> xforward_commands(const FilteredClient& client, const smtp::Features& features) {
  struct Attribute {
    std::string_view name;
    const std::string& value;
  };
  const Attribute attributes[] = {{"NAME", client.name},   {"ADDR", client.address},   {"PORT", client.port},    {"HELO", client.helo},
                                  {"IDENT", client.ident}, {"PROTO", client.protocol}, {"SOURCE", client.source}};
  constexpr std::string_view verb = "XFORWARD";
  constexpr std::size_t room = command_limit - std::string_view("\r\n").size();
  std::vector<std::string> commands;
  for (const auto& [name, value] : attributes) {
    if (!features.xforward.contains(name)) continue;
    const std::string part = fmt::format(" {}={}", name, value.empty() ? "[UNAVAILABLE]" : mail::encode_xtext(value));
    if (verb.size() + part.size() > room) {
      maillog::warning("XFORWARD command payload {}={}... exceeds SMTP protocol limit", name, value.substr(0, shown_of_value));
    }
    if (commands.empty() || commands.back().size() + part.size() > room) commands.emplace_back(verb);
    commands.back() += part;
  }
  return commands;
}

}  // namespace

std::optional<Reply> FilterIntake::begin() { return setup_.waits ? std::nullopt : connect(); }

std::optional<Reply> FilterIntake::connect() {
  connection_ = FilterConnection::open(setup_);
  if (!connection_) return failure();
  const auto greeting = connection_->reply();
  if (!greeting) return failure();
  if (!greeting->is_positive()) {
    connection_->log_rejected("connection request", *greeting);
    return failure();
  }
  const std::string hello = "EHLO " + setup_.helo;
  const auto offer = connection_->ask(hello);
  if (!offer) return failure();
  if (!offer->is_positive()) {
    connection_->log_rejected(hello, *offer);
    return failure();
  }
  return forward_client(smtp::parse_ehlo(*offer, {}));
}

std::optional<Reply> FilterIntake::forward_client(const smtp::Features& features) {
  for (const std::string& command : xforward_commands(client_, features)) {
    // What it does not know of the client must not pass for knowledge of us.
    if (say(command, Wanted::taken)) return failure();
  }
  return std::nullopt;
}

std::optional<Reply> FilterIntake::say(std::string_view command, Wanted wanted) {
  if (!connection_) return failure();
  const auto reply = connection_->ask(command);
  if (!reply) return failure();
  if (!is(*reply, wanted)) {
    connection_->log_rejected(command, *reply);
    return refusal_of(*reply);
  }
  if (wanted == Wanted::go_on) connection_->begin_content();
  return std::nullopt;
}

std::optional<Reply> FilterIntake::pass_on(std::string_view command, Wanted wanted) {
  if (!setup_.waits) return say(command, wanted);
  commands_.push_back({std::string(command), wanted});
  return std::nullopt;
}

void FilterIntake::add(queue::RecordType type, std::string_view data, Deadline) {
  using queue::RecordType;
  if (type == RecordType::message_start) is_content_ = true;
  else if (type == RecordType::extracted) is_content_ = false;
  if (!is_content_ || (type != RecordType::normal && type != RecordType::continued)) return;
  if (setup_.waits) {
    wire_.write(data, type == RecordType::normal, content_);
    return;
  }
  line_.clear();
  wire_.write(data, type == RecordType::normal, line_);
  connection_->write(line_);
}

std::optional<Reply> FilterIntake::tell_all() {
  if (auto refusal = connect()) return refusal;
  for (const Command& command : commands_) {
    if (auto refusal = say(command.text, command.wanted)) return refusal;
  }
  connection_->write(content_);
  return std::nullopt;
}

Result<ipc::MessageClosed> FilterIntake::finish(Deadline) {
  std::optional<Reply> verdict;
  if (setup_.waits) verdict = tell_all();
  bool is_taken = false;
  if (!verdict) {
    const auto said = connection_->end_content();
    is_taken = said && said->is_positive();
    verdict = !said ? failure() : is_taken ? reply_of(*said) : refusal_of(*said);
  }
  return ipc::MessageClosed{.status = is_taken ? ipc::CleanupStatus::ok : ipc::CleanupStatus::write, .reason = {}, .reply = whole_text(*verdict)};
}

}  // namespace smtpd
