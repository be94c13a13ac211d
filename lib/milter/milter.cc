#include "lib/milter/milter.h"

#include <algorithm>

#include <fmt/format.h>

#include <fcntl.h>

#include "lib/base/ascii.h"
#include "lib/io/stream.h"
#include "lib/log/log.h"

namespace milter {
namespace {

constexpr std::size_t length_size = 4;
constexpr std::chrono::seconds goodbye_timeout{1};

Verdict refusal(std::string_view reply) { return {Verdict::Kind::refuse, std::string(reply)}; }

// What counts for a milter that has failed.
Verdict verdict_of(DefaultAction action) {
  switch (action) {
    case DefaultAction::accept: return {};
    case DefaultAction::reject: return refusal("550 5.5.0 Service unavailable");
    case DefaultAction::tempfail: break;
    case DefaultAction::quarantine: return {Verdict::Kind::hold, "default_action"};
    case DefaultAction::shutdown: return refusal("421 4.7.1 Service unavailable - try again later");
  }
  return refusal("451 4.7.1 Service unavailable - try again later");
}

std::string_view how(const io::Stream& stream, io::End end, std::string& scratch) {
  switch (end) {
    case io::End::timeout: return "Connection timed out";
    case io::End::error:
      scratch = base::Error::system("", stream.last_errno()).message().substr(2);
      return scratch;
    case io::End::ok:
    case io::End::eof:
    case io::End::too_long: break;
  }
  return "Application error";   // as the reference calls a connection that ends
}

}  // namespace

Milter::Milter(const Filter& filter, const MacroLists& lists)
    : name_(filter.name), address_(filter.address), hosts_(filter.hosts), options_(filter.options), lists_(lists) {}

void Milter::close() { stream_.reset(); }

Verdict Milter::lose() {
  has_failed_ = true;
  return lose_with(verdict_of(options_.default_action));
}

Verdict Milter::lose_with(Verdict verdict) {
  // Whoever else has the connection is not to read what belongs to another question.
  if (stream_) stream_->shutdown();
  close();
  state_ = State::over;
  standing_ = verdict;
  return verdict;
}

Result<void> Milter::open(Deadline deadline) {
  std::optional<base::Error> last;
  for (std::size_t i = 0; i < std::max<std::size_t>(hosts_.size(), 1); ++i) {
    maps::ServerAddress address = address_;
    if (!hosts_.empty()) address.host = hosts_[i];
    auto connection = maps::ServerConnections(std::move(address), {std::chrono::seconds(0), std::chrono::seconds(0)}).take(deadline);
    if (connection) {
      stream_.emplace(std::move(connection->stream));
      return {};
    }
    // What the first one says is the likelier reason.
    if (!last) last = std::move(connection).error();
  }
  return base::Failure(std::move(*last));
}

std::optional<Milter::Packet> Milter::read_packet(Command after, Deadline deadline) {
  std::string bytes, scratch;
  const auto lost = [&](io::End end, std::string_view what) {
    maillog::warning("milter {}: can't read {} reply packet {}: {}", name_, command_name(after), what, how(*stream_, end, scratch));
    return std::nullopt;
  };
  if (const io::End end = stream_->read_exact(bytes, length_size, deadline); end != io::End::ok) return lost(end, "header");
  const std::size_t length = read_number(bytes);
  if (length < 1) {
    maillog::warning("milter {}: bad packet length: {}", name_, length);
    return std::nullopt;
  }
  if (length > packet_limit) {
    maillog::warning("milter {}: unreasonable packet length: {} > {}", name_, length, packet_limit);
    return std::nullopt;
  }
  Packet packet{};
  bytes.clear();
  if (const io::End end = stream_->read_exact(bytes, 1, deadline); end != io::End::ok) return lost(end, "header");
  packet.answer = bytes.front();
  if (length > 1) {
    if (const io::End end = stream_->read_exact(packet.data, length - 1, deadline); end != io::End::ok) return lost(end, "data");
  }
  return packet;
}

bool Milter::negotiate(Deadline deadline) {
  std::string data;
  append_number(data, static_cast<std::uint32_t>(options_.protocol));
  append_number(data, all_actions);
  append_number(data, steps_of(options_.protocol));
  stream_->write(packet(Command::options, data), deadline);
  const auto answer = read_packet(Command::options, deadline);
  if (!answer) {
    maillog::warning("milter {}: read error in initial handshake", name_);
    return false;
  }
  if (answer->answer != static_cast<char>(Command::options)) {
    maillog::warning("milter {}: unexpected reply \"{}\" in initial handshake", name_, ascii::printable({&answer->answer, 1}));
    return false;
  }
  return take_options(answer->data);
}

bool Milter::take_options(std::string_view data) {
  DataReader reader(data);
  const auto version = reader.number(), actions = reader.number(), steps = reader.number();
  if (!version || !actions || !steps) {
    maillog::warning("milter {}: input packet too short for network long", name_);
    maillog::warning("milter {}: read error in initial handshake", name_);
    return false;
  }
  if (*version > static_cast<std::uint32_t>(options_.protocol)) {
    maillog::warning("milter {}: protocol version {} conflict with MTA protocol version {}", name_, *version, options_.protocol);
    return false;
  }
  if ((*actions & ~all_actions) != 0) {
    maillog::warning("milter {}: request mask {:#x} conflict with MTA request mask {:#x}", name_, *actions, all_actions);
    return false;
  }
  version_ = static_cast<int>(*version);
  if (steps_of(version_) == 0) {
    maillog::warning("milter {}: unexpected protocol version {}", name_, *version);
    version_ = options_.protocol;
  }
  actions_ = *actions;
  steps_ = *steps & steps_of(options_.protocol);
  while (!reader.is_at_end()) {
    const auto stage = reader.number();
    const auto names = stage ? reader.string() : std::nullopt;
    if (!names) {
      maillog::warning("milter {}: packet too short for {}", name_, stage ? "string" : "network long");
      return false;
    }
    if (*stage > static_cast<std::uint32_t>(Stage::end_of_header)) maillog::warning("milter {}: ignoring unknown macro type {}", name_, *stage);
    else lists_.names[*stage] = parse_macro_names(*names);
  }
  return true;
}

void Milter::send_macros(Command command, const Macros& macros, Deadline deadline) {
  std::string data(1, static_cast<char>(command));
  for (const std::string& name : lists_.names[static_cast<std::size_t>(stage_of(command))]) {
    const bool is_braced = name.size() > 2 && name.starts_with('{') && name.ends_with('}');
    std::optional<std::string> value = macros(is_braced ? std::string_view(name).substr(1, name.size() - 2) : std::string_view(name));
    if (!value) {
      const auto found = std::ranges::find(lists_.defaults, name, &std::pair<std::string, std::string>::first);
      if (found != lists_.defaults.end()) value = found->second;
    }
    if (!value) continue;
    append_string(data, name);
    append_string(data, *value);
  }
  stream_->write(packet(Command::macros, data), deadline);
}

Verdict Milter::event(Command command, std::string_view data, const Macros& macros, std::chrono::seconds timeout) {
  const Deadline deadline = base::after(timeout);
  const StepBits bits = step_bits(command);
  send_macros(command, macros, deadline);
  if ((steps_ & bits.unheard) != 0) return {};
  stream_->write(packet(command, data), deadline);
  if ((steps_ & bits.unanswered) != 0) return {};
  for (;;) {
    const auto answer = read_packet(command, deadline);
    if (!answer) return lose();
    if (answer->answer == static_cast<char>(Answer::progress)) continue;
    return take_answer(command, *answer);
  }
}

Verdict Milter::take_answer(Command command, const Packet& packet) {
  switch (static_cast<Answer>(packet.answer)) {
    case Answer::go_on: return {};
    case Answer::skip:
      if ((steps_ & understands_skip) == 0) break;
      skips_ = command == Command::rcpt || command == Command::header || command == Command::body;
      skipped_ = command;
      return {};
    default: break;
  }
  if (auto verdict = take_final(command, packet)) return *verdict;
  maillog::warning("milter {}: unexpected filter response {} after event {}", name_,
                   answer_name(packet.answer).starts_with("SMFIR") ? std::string(answer_name(packet.answer))
                                                                   : fmt::format("({})", answer_name(packet.answer)),
                   command_name(command));
  return lose();
}

// An answer that decides about the command or the message.
std::optional<Verdict> Milter::take_final(Command command, const Packet& packet) {
  const bool is_of_session = command == Command::connect || command == Command::helo;
  switch (static_cast<Answer>(packet.answer)) {
    case Answer::accept:
      if (is_of_session) {
        close();
        state_ = State::over;
      } else if (state_ == State::message) {
        state_ = State::done_with_message;
      }
      return Verdict{};
    case Answer::discard:
      if (is_of_session) {
        maillog::warning("milter {}: DISCARD action is not allowed for connect or helo", name_);
        return Verdict{};
      }
      if (state_ == State::message) state_ = State::done_with_message;
      return Verdict{Verdict::Kind::discard, {}};
    case Answer::reject: return refused(command, "550 5.7.1 Command rejected");
    case Answer::tempfail: return refused(command, "451 4.7.1 Service unavailable - try again later");
    case Answer::shutdown: return lose_with(refusal(shutdown_reply));
    case Answer::reply: {
      auto reply = parse_reply(packet.data);
      if (!reply) {
        maillog::warning("milter {}: malformed reply: {}", name_, packet.data.substr(0, packet.data.find('\0')));
        return lose_with(refusal(misconfigured_reply));
      }
      return refused(command, std::move(*reply));
    }
    default: return std::nullopt;
  }
}

// What is said of the client, or of its name, stands for the whole session.
Verdict Milter::refused(Command command, std::string reply) {
  if (command == Command::connect || command == Command::helo) return lose_with(refusal(reply));
  return refusal(reply);
}

void Milter::abort() {
  if (!stream_ || state_ == State::over || state_ == State::fresh) return;
  stream_->write(packet(Command::abort), base::after(goodbye_timeout));
  static_cast<void>(stream_->flush(base::after(goodbye_timeout)));
  state_ = State::ready;
}

void Milter::quit() {
  if (!stream_ || state_ == State::over || state_ == State::fresh) return;
  stream_->write(packet(Command::quit), base::after(goodbye_timeout));
  static_cast<void>(stream_->flush(base::after(goodbye_timeout)));
  close();
  state_ = State::over;
}

Handover Milter::hand_over() {
  // What has not been sent yet would come behind what the other program says.
  if (stream_ && stream_->flush(base::after(options_.command_timeout)) != io::End::ok) stream_->shutdown();
  Handover out;
  out.name = name_;
  out.state = static_cast<int>(state_);
  out.default_action = static_cast<int>(options_.default_action);
  out.version = version_;
  out.actions = actions_;
  out.steps = steps_;
  out.command_timeout = options_.command_timeout;
  out.content_timeout = options_.content_timeout;
  if (standing_) {
    out.standing_kind = static_cast<int>(standing_->kind);
    out.standing_reply = standing_->reply;
  }
  out.end_of_data_macros = lists_.names[static_cast<std::size_t>(Stage::end_of_data)];
  out.end_of_header_macros = lists_.names[static_cast<std::size_t>(Stage::end_of_header)];
  for (const auto& [name, value] : lists_.defaults) {
    out.macro_defaults.push_back(name);
    out.macro_defaults.push_back(value);
  }
  if (stream_) out.connection.emplace_back(::fcntl(stream_->fd(), F_DUPFD_CLOEXEC, 0));
  return out;
}

Milter::Milter(Handover handed_over) : name_(std::move(handed_over.name)) {
  options_.command_timeout = handed_over.command_timeout;
  options_.content_timeout = handed_over.content_timeout;
  options_.default_action = static_cast<DefaultAction>(std::clamp(handed_over.default_action, 0, static_cast<int>(DefaultAction::shutdown)));
  version_ = handed_over.version;
  actions_ = static_cast<Actions>(handed_over.actions);
  steps_ = static_cast<Steps>(handed_over.steps);
  if (handed_over.standing_kind >= 0 && handed_over.standing_kind <= static_cast<int>(Verdict::Kind::hold)) {
    standing_ = Verdict{static_cast<Verdict::Kind>(handed_over.standing_kind), std::move(handed_over.standing_reply)};
  }
  lists_.names[static_cast<std::size_t>(Stage::end_of_data)] = std::move(handed_over.end_of_data_macros);
  lists_.names[static_cast<std::size_t>(Stage::end_of_header)] = std::move(handed_over.end_of_header_macros);
  for (std::size_t i = 0; i + 1 < handed_over.macro_defaults.size(); i += 2) {
    lists_.defaults.emplace_back(std::move(handed_over.macro_defaults[i]), std::move(handed_over.macro_defaults[i + 1]));
  }
  // Whatever else is said of it, without a connection in a message there is nothing to do.
  const bool is_in_message = handed_over.state == static_cast<int>(State::message) && !handed_over.connection.empty();
  state_ = is_in_message ? State::message : State::over;
  if (is_in_message) stream_.emplace(std::move(handed_over.connection.front()));
}

}  // namespace milter
