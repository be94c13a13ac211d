// What a milter is told of a session and of a message, and what it changes.

#include <algorithm>

#include "lib/base/check.h"
#include "lib/log/log.h"
#include "lib/milter/milter.h"

namespace milter {
namespace {

// Answers before the last one at the end of a message, beside pieces of a body.
constexpr std::size_t edits_limit = 100'000;
// A milter that tells of progress at the end of a message has this many times its time in all.
constexpr int progress_limit = 12;

}  // namespace

// A message is held once.
Verdict Milter::stands_within_message() const {
  return standing_ && standing_->kind != Verdict::Kind::hold ? *standing_ : Verdict{};
}

Verdict Milter::connect(const Client& client, const Macros& macros) {
  if (state_ == State::over) return standing_.value_or(Verdict{});
  CHECK(state_ == State::fresh);
  const Deadline deadline = base::after(options_.connect_timeout);
  if (auto opened = open(deadline); !opened) {
    maillog::warning("connect to Milter service {}: {}", name_, opened.error().message());
    return lose();
  }
  if (!negotiate(deadline)) return lose();
  state_ = State::ready;
  std::string data;
  append_string(data, client.name);
  if (client.address.empty()) {
    data.push_back('U');
  } else {
    data.push_back(client.is_v6 ? '6' : '4');
    data.push_back(static_cast<char>(client.port >> 8 & 0xff));
    data.push_back(static_cast<char>(client.port & 0xff));
    append_string(data, client.is_v6 ? "IPv6:" + client.address : client.address);
  }
  return event(Command::connect, data, macros, options_.connect_timeout);
}

Verdict Milter::helo(std::string_view name, const Macros& macros) {
  if (state_ == State::over || state_ == State::fresh) return stands_within_message();
  std::string data;
  append_string(data, name);
  return event(Command::helo, data, macros, options_.command_timeout);
}

namespace {

std::string joined(const std::vector<std::string_view>& words) {
  std::string data;
  for (const std::string_view word : words) append_string(data, word);
  return data;
}

}  // namespace

Verdict Milter::mail(const std::vector<std::string_view>& words, const Macros& macros) {
  if (state_ == State::over) return standing_.value_or(Verdict{});
  if (state_ != State::ready) return {};
  state_ = State::message;
  skips_ = false;
  return event(Command::mail, joined(words), macros, options_.command_timeout);
}

Verdict Milter::rcpt(const std::vector<std::string_view>& words, const Macros& macros) {
  if (state_ == State::over) return stands_within_message();
  if (state_ != State::message || (skips_ && skipped_ == Command::rcpt)) return {};
  return event(Command::rcpt, joined(words), macros, options_.command_timeout);
}

Verdict Milter::data(const Macros& macros) {
  if (state_ == State::over) return stands_within_message();
  if (state_ != State::message || version_ < 4) return {};
  return event(Command::data, {}, macros, options_.command_timeout);
}

Verdict Milter::unknown(std::string_view line, const Macros& macros) {
  if (state_ == State::over) return stands_within_message();
  if ((state_ != State::message && state_ != State::ready) || version_ < 3) return {};
  std::string data;
  append_string(data, line);
  return event(Command::unknown, data, macros, options_.command_timeout);
}

bool Milter::wants(Command command) const {
  return state_ == State::message && (steps_ & step_bits(command).unheard) == 0 && !(skips_ && skipped_ == command);
}

Verdict Milter::header(std::string_view name, std::string_view value, const Macros& macros) {
  if (!wants(Command::header)) return {};
  if ((steps_ & milter::keeps_leading_space) == 0 && value.starts_with(' ')) value.remove_prefix(1);
  std::string data;
  append_string(data, name);
  append_string(data, value);
  return event(Command::header, data, macros, options_.content_timeout);
}

Verdict Milter::end_of_header(const Macros& macros) {
  if (!wants(Command::end_of_header)) return {};
  return event(Command::end_of_header, {}, macros, options_.content_timeout);
}

Verdict Milter::body(std::string_view chunk, const Macros& macros) {
  if (!wants(Command::body)) return {};
  return event(Command::body, chunk, macros, options_.content_timeout);
}

Verdict Milter::end_of_body(const Macros& macros, Editor& editor, std::optional<base::Error>& failure) {
  if (state_ != State::message) return {};
  Deadline deadline = base::after(options_.content_timeout);
  const Deadline last = base::after(progress_limit * options_.content_timeout);
  const auto extend = [&] { deadline = std::min(last, base::after(options_.content_timeout)); };
  send_macros(Command::end_of_body, macros, deadline);
  stream_->write(packet(Command::end_of_body), deadline);
  for (std::size_t edits = 0; edits < edits_limit; ++edits) {
    const auto answer = read_packet(Command::end_of_body, deadline);
    if (!answer) return lose();
    if (answer->answer == static_cast<char>(Answer::progress)) {
      extend();
      continue;
    }
    if (answer->answer == static_cast<char>(Answer::replace_body)) extend();
    if (edit(*answer, editor, failure)) {
      if (failure) return lose();
      continue;
    }
    if (state_ == State::over) return standing_.value_or(Verdict{});
    state_ = State::message;
    const Verdict verdict = take_answer(Command::end_of_body, *answer);
    if (state_ == State::message) state_ = State::done_with_message;
    return verdict;
  }
  maillog::warning("milter {}: too many changes of one message", name_);
  return lose();
}

// False: the answer is no change, or a malformed one, by which the milter is lost.
bool Milter::edit(const Packet& packet, Editor& editor, std::optional<base::Error>& failure) {
  DataReader reader(packet.data);
  const auto take = [&](Result<void> result) {
    if (!result) failure = std::move(result).error();
    return true;
  };
  const auto malformed = [&](std::string_view what) {
    maillog::warning("milter {}: packet too short for {}", name_, what);
    lose();
    return false;
  };
  switch (static_cast<Answer>(packet.answer)) {
    case Answer::add_header: {
      const auto name = reader.string();
      const auto value = name ? reader.string() : std::nullopt;
      if (!value) return malformed("string");
      if (!reader.is_at_end()) return malformed("what it holds");
      return take(editor.add_header(*name, *value));
    }
    case Answer::insert_header:
    case Answer::change_header: {
      const auto index = reader.number();
      if (!index) return malformed("network long");
      const auto name = reader.string();
      const auto value = name ? reader.string() : std::nullopt;
      if (!value) return malformed("string");
      if (!reader.is_at_end()) return malformed("what it holds");
      return take(static_cast<Answer>(packet.answer) == Answer::insert_header ? editor.insert_header(*index, *name, *value)
                                                                              : editor.change_header(*index, *name, *value));
    }
    case Answer::change_sender:
    case Answer::add_recipient_with_arguments: {
      const auto address = reader.string();
      if (!address) return malformed("string");
      const std::string_view arguments = reader.is_at_end() ? std::string_view() : reader.string().value_or(reader.rest());
      return take(static_cast<Answer>(packet.answer) == Answer::change_sender ? editor.change_sender(*address, arguments)
                                                                              : editor.add_recipient(*address, arguments));
    }
    case Answer::add_recipient:
    case Answer::delete_recipient: {
      const auto address = reader.string();
      if (!address) return malformed("string");
      return take(static_cast<Answer>(packet.answer) == Answer::add_recipient ? editor.add_recipient(*address, {})
                                                                              : editor.delete_recipient(*address));
    }
    case Answer::replace_body: return take(editor.replace_body(packet.data));
    case Answer::quarantine: {
      const auto reason = reader.string();
      return reason ? take(editor.quarantine(*reason)) : malformed("string");
    }
    default: return false;
  }
}

}  // namespace milter
