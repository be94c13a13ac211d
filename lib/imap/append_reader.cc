#include "lib/imap/append_reader.h"

#include "lib/base/ascii.h"

namespace imap {
namespace {

constexpr const char* invalid = "Invalid arguments";

bool is_word(const Token& token, std::string_view word) {
  return token.kind == Token::Kind::atom && ascii::equal_ignoring_case(token.text, word);
}

}  // namespace

// The next token, which has to be of this kind.
ReadEnd AppendReader::take(Token::Kind kind, Deadline deadline) {
  const ReadEnd end = take(deadline);
  return end != ReadEnd::ok || token_.kind == kind ? end : reader_.reject(invalid, deadline);
}

// The text of token_, which is a string.
ReadEnd AppendReader::take_string(std::string& text, Deadline deadline) {
  if (token_.kind == Token::Kind::literal) return reader_.read_small_literal(text, deadline);
  text = token_.text;
  return ReadEnd::ok;
}

ReadEnd AppendReader::read_number(std::uint32_t& number, Deadline deadline) {
  if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
  if (token_.kind == Token::Kind::end) return reader_.reject("Missing arguments", deadline);
  const auto value = token_.kind == Token::Kind::atom ? ascii::parse_number(token_.text, UINT32_MAX) : std::nullopt;
  if (!value || *value == 0) return reader_.reject(invalid, deadline);
  number = static_cast<std::uint32_t>(*value);
  return ReadEnd::ok;
}

ReadEnd AppendReader::read_mailbox(std::string& mailbox, Deadline deadline) {
  if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
  switch (token_.kind) {
    case Token::Kind::atom:
    case Token::Kind::quoted:
    case Token::Kind::literal: return take_string(mailbox, deadline);
    case Token::Kind::literal8: return reader_.reject("literal8 not allowed here", deadline);
    case Token::Kind::end: return reader_.reject("Missing arguments", deadline);
    case Token::Kind::list_begin:
    case Token::Kind::list_end: break;
  }
  return reader_.reject(invalid, deadline);
}

// After '('.
ReadEnd AppendReader::read_flags(FlagList& flags, Deadline deadline) {
  for (;;) {
    if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
    if (token_.kind == Token::Kind::list_end) return ReadEnd::ok;
    if (token_.kind == Token::Kind::end) return reader_.reject("Missing ')'", deadline);
    if (token_.kind != Token::Kind::atom) return reader_.reject("Flags list contains non-atoms", deadline);
    if (const auto added = flags.add(token_.text); !added) return reader_.reject(added.error().message(), deadline);
  }
}

void AppendReader::announce(AppendEvent& event) const {
  event.kind = AppendEvent::Kind::literal;
  event.size = token_.size;
  event.is_literal8 = token_.kind == Token::Kind::literal8;
  event.is_utf8 = is_utf8_;
}

// token_ is what follows flags and date.
ReadEnd AppendReader::read_data(AppendEvent& event, Deadline deadline) {
  is_utf8_ = is_word(token_, "UTF8");
  event.is_catenated = is_word(token_, "CATENATE");
  if (is_utf8_ || event.is_catenated) {
    if (const ReadEnd end = take(Token::Kind::list_begin, deadline); end != ReadEnd::ok) return end;
  }
  if (is_utf8_) {
    if (const ReadEnd end = take(Token::Kind::literal8, deadline); end != ReadEnd::ok) return end;
  } else if (!event.is_catenated && !is_literal()) {
    return reader_.reject(invalid, deadline);
  }
  state_ = event.is_catenated ? State::pieces : State::whole;
  return ReadEnd::ok;
}

// token_ is the first after the mailbox, or after the message before.
ReadEnd AppendReader::begin_message(AppendEvent& event, Deadline deadline) {
  event.kind = AppendEvent::Kind::message;
  parts_ = 0;
  if (++messages_ > append_messages_limit) return reader_.reject("Too many messages", deadline);
  if (token_.kind == Token::Kind::list_begin) {
    if (const ReadEnd end = read_flags(event.flags, deadline); end != ReadEnd::ok) return end;
    if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
  }
  if (token_.kind == Token::Kind::quoted) {
    const std::string text(token_.text);
    if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
    // A string alone is no message; that it is no date either is the smaller fault.
    if (token_.kind == Token::Kind::end) return reader_.reject(invalid, deadline);
    event.date = parse_date_time(text);
    if (!event.date) return reader_.reject("Invalid internal date", deadline);
  }
  return read_data(event, deadline);
}

ReadEnd AppendReader::next_piece(AppendEvent& event, Deadline deadline) {
  if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
  if (token_.kind == Token::Kind::end) return reader_.reject("Missing ')'", deadline);
  if (token_.kind == Token::Kind::list_end) {
    if (parts_ == 0) return reader_.reject("Empty CATENATE list", deadline);
    event.kind = AppendEvent::Kind::message_end;
    state_ = State::between;
    return ReadEnd::ok;
  }
  if (++parts_ > catenate_parts_limit) return reader_.reject("Too many CATENATE parts", deadline);
  const bool is_text = is_word(token_, "TEXT");
  if (!is_text && !is_word(token_, "URL")) return reader_.reject(invalid, deadline);
  if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
  if (is_text) {
    if (!is_literal()) return reader_.reject(invalid, deadline);
    announce(event);
    return ReadEnd::ok;
  }
  if (token_.kind != Token::Kind::atom && token_.kind != Token::Kind::quoted && token_.kind != Token::Kind::literal) {
    return reader_.reject(invalid, deadline);
  }
  event.kind = AppendEvent::Kind::url;
  if (const ReadEnd end = take_string(event.url, deadline); end != ReadEnd::ok) return end;
  return event.url.size() > url_size_max ? reader_.reject("Too long CATENATE URL", deadline) : ReadEnd::ok;
}

ReadEnd AppendReader::next(AppendEvent& event, Deadline deadline) {
  event = {};
  switch (state_) {
    case State::between:
      if (const ReadEnd end = take(deadline); end != ReadEnd::ok) return end;
      if (token_.kind != Token::Kind::end) {
        if (token_.kind == Token::Kind::list_end) return reader_.reject("Unexpected ')'", deadline);
        return begin_message(event, deadline);
      }
      if (messages_ == 0) return reader_.reject("Missing message size", deadline);
      state_ = State::over;
      return ReadEnd::ok;
    case State::whole:
      announce(event);
      state_ = is_utf8_ ? State::utf8_end : State::message_end;
      return ReadEnd::ok;
    case State::pieces: return next_piece(event, deadline);
    case State::utf8_end:
      if (const ReadEnd end = take(Token::Kind::list_end, deadline); end != ReadEnd::ok) return end;
      [[fallthrough]];
    case State::message_end:
      event.kind = AppendEvent::Kind::message_end;
      state_ = State::between;
      return ReadEnd::ok;
    case State::over: return ReadEnd::ok;
  }
  return ReadEnd::ok;
}

}  // namespace imap
