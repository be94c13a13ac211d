#include "lib/imap/command_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/base/check.h"

namespace imap {
namespace {

// The end of a line that is kept while it is read over: room for "{9223372036854775807+}".
constexpr std::size_t tail_size = 32;
constexpr std::size_t piece_size = 4096;
constexpr std::size_t line_capacity_idle = 256;

bool is_atom_char(char c) {
  // '%', '*', '\' and ']' are no atom's in the RFC, but flags, patterns and sections have them.
  return ascii::is_printable(c) && c != ' ' && c != '(' && c != ')' && c != '{' && c != '"';
}

// RFC 9051: tag.
bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= tag_size_max &&
         std::ranges::all_of(text, [](char c) { return is_atom_char(c) && c != '%' && c != '*' && c != '\\' && c != '+'; });
}

struct LiteralMark {
  std::optional<std::uint64_t> size;   // none: more than literal_size_max
  bool is_synchronizing;
};

// "{5}" or "{5+}" at the start of `text`, which is what is left of `text` afterwards.
std::optional<LiteralMark> take_mark(std::string_view& text) {
  const std::size_t end = text.find('}');
  if (!text.starts_with('{') || end == std::string_view::npos) return std::nullopt;
  std::string_view digits = text.substr(1, end - 1);
  const bool is_synchronizing = !digits.ends_with('+');
  if (!is_synchronizing) digits.remove_suffix(1);
  if (digits.empty() || !std::ranges::all_of(digits, ascii::is_digit)) return std::nullopt;
  text.remove_prefix(end + 1);
  return LiteralMark{.size = ascii::parse_number(digits, literal_size_max), .is_synchronizing = is_synchronizing};
}

// The literal that a line announces with its end. No atom and no quoted string ends so.
std::optional<LiteralMark> mark_at_end(std::string_view line) {
  const std::size_t begin = line.rfind('{');
  if (!line.ends_with('}') || begin == std::string_view::npos) return std::nullopt;
  line.remove_prefix(begin);
  return take_mark(line);
}

}  // namespace

ReadEnd CommandReader::ended(io::End end) const {
  switch (end) {
    case io::End::ok:
    case io::End::too_long: return ReadEnd::ok;
    case io::End::eof: return ReadEnd::eof;
    case io::End::timeout: return ReadEnd::timeout;
    case io::End::error: return ReadEnd::error;
  }
  return ReadEnd::error;
}

ReadEnd CommandReader::set_fault(std::string text) {
  fault_ = {.text = std::move(text), .is_final = false};
  return ReadEnd::fault;
}

ReadEnd CommandReader::final_fault(std::string text) {
  fault_ = {.text = std::move(text), .is_final = true};
  state_ = State::over;
  return ReadEnd::fault;
}

// A fault ends the command: what is left of it is read over.
ReadEnd CommandReader::fail_with(ReadEnd end, Deadline deadline) {
  if (end != ReadEnd::fault || fault_.is_final) return end;
  std::string text = std::move(fault_.text);
  const ReadEnd skipped = skip(deadline);
  fault_.text = std::move(text);
  return skipped == ReadEnd::ok ? ReadEnd::fault : skipped;
}

ReadEnd CommandReader::reject(std::string text, Deadline deadline) { return fail_with(set_fault(std::move(text)), deadline); }

ReadEnd CommandReader::read_line(Deadline deadline) {
  const io::LineResult line = stream_.read_line(deadline, command_left_);
  place_ = 0;
  line_.assign(line.text());
  command_left_ -= std::min(command_left_, line.text().size());
  state_ = State::line;
  if (line.end() == io::End::ok) return ReadEnd::ok;
  if (line.end() != io::End::too_long) {
    state_ = State::over;
    return ended(line.end());
  }
  state_ = State::cut;
  return set_fault("IMAP command line too large");
}

// The end of a line that was too long becomes line_, so that a literal behind it is seen.
ReadEnd CommandReader::skip_line(Deadline deadline) {
  for (;;) {
    const io::LineResult line = stream_.read_line(deadline, piece_size);
    if (line.end() != io::End::ok && line.end() != io::End::too_long) return ended(line.end());
    if (line.text().size() > swallow_left_) return final_fault(fault_.text);
    swallow_left_ -= line.text().size();
    if (line_.size() > tail_size) line_.erase(0, line_.size() - tail_size);
    line_ += line.text();
    if (line.end() == io::End::ok) return ReadEnd::ok;
  }
}

ReadEnd CommandReader::take_word(std::string& word, std::size_t limit) {
  const std::size_t end = std::min(line_.find(' ', place_), line_.size());
  const std::string_view text = std::string_view(line_).substr(place_, end - place_);
  place_ = std::min(end + 1, line_.size());
  if (text.empty() || text.size() > limit || !std::ranges::all_of(text, is_atom_char)) return set_fault("Invalid command name");
  word = ascii::uppercase(text);
  return ReadEnd::ok;
}

ReadEnd CommandReader::begin(Command& command, Deadline deadline) {
  command.tag.clear();
  command.name.clear();
  command.arguments.clear();
  // An idle session keeps no large command. Assigning would keep the memory.
  if (line_.capacity() > line_capacity_idle) std::string().swap(line_);
  if (quoted_.capacity() > line_capacity_idle) std::string().swap(quoted_);
  fault_ = {};
  command_left_ = limits_->command;
  literals_left_ = limits_->literals;
  swallow_left_ = limits_->swallow;
  literal_left_ = 0;

  const ReadEnd line_end = read_line(deadline);
  if (line_end != ReadEnd::ok && line_end != ReadEnd::fault) return line_end;
  const std::string_view tag = std::string_view(line_).substr(0, line_.find(' '));
  place_ = std::min(tag.size() + 1, line_.size());
  if (!is_tag(tag)) return fail_with(set_fault("Invalid tag"), deadline);
  command.tag = tag;
  ReadEnd end = take_word(command.name, command_name_size_max);
  if (end == ReadEnd::ok && command.name == "UID") {
    std::string word;
    end = take_word(word, command_name_size_max);
    command.name = end == ReadEnd::ok ? "UID " + word : "";
  }
  if (end == ReadEnd::ok && line_end == ReadEnd::fault) end = set_fault("IMAP command line too large");
  return fail_with(end, deadline);
}

ReadEnd CommandReader::scan_atom(Token& token) {
  const std::size_t begin = place_;
  for (; place_ < line_.size() && line_[place_] != ' ' && line_[place_] != '(' && line_[place_] != ')'; ++place_) {
    const char c = line_[place_];
    if (is_atom_char(c)) continue;
    return set_fault((static_cast<unsigned char>(c) & 0x80) != 0 ? "8bit data in atom" : "Invalid characters in atom");
  }
  token = {.kind = Token::Kind::atom, .text = std::string_view(line_).substr(begin, place_ - begin)};
  return ReadEnd::ok;
}

ReadEnd CommandReader::scan_quoted(Token& token) {
  const std::size_t begin = ++place_;
  const std::string_view line = line_;
  const std::size_t plain = line.find_first_of(std::string_view("\"\\\0", 3), begin);
  if (plain != std::string_view::npos && line[plain] == '"') {
    token = {.kind = Token::Kind::quoted, .text = line.substr(begin, plain - begin)};
    place_ = plain + 1;
    return ReadEnd::ok;
  }
  quoted_.clear();
  for (; place_ < line.size() && line[place_] != '"'; ++place_) {
    if (line[place_] == '\\' && ++place_ == line.size()) break;
    if (line[place_] == '\0') return set_fault("NULs not allowed in strings");
    quoted_ += line[place_];
  }
  if (place_ >= line.size()) return set_fault("Missing '\"'");
  ++place_;
  token = {.kind = Token::Kind::quoted, .text = quoted_};
  return ReadEnd::ok;
}

ReadEnd CommandReader::scan_literal(Token& token, bool is_literal8) {
  std::string_view rest = std::string_view(line_).substr(place_);
  const auto mark = take_mark(rest);
  if (!mark) return set_fault("Invalid literal size");
  if (!rest.empty()) return set_fault("Missing LF after literal size");
  if (!mark->size) return final_fault("Literal size too large");
  place_ = line_.size();
  literal_left_ = *mark->size;
  is_synchronizing_ = mark->is_synchronizing;
  state_ = State::literal_announced;
  token = {.kind = is_literal8 ? Token::Kind::literal8 : Token::Kind::literal, .text = {}, .size = *mark->size};
  return ReadEnd::ok;
}

ReadEnd CommandReader::scan(Token& token) {
  while (place_ < line_.size() && line_[place_] == ' ') ++place_;
  if (place_ == line_.size()) {
    token = {};
    state_ = State::over;
    return ReadEnd::ok;
  }
  switch (line_[place_]) {
    case '(': token = {.kind = Token::Kind::list_begin}; ++place_; return ReadEnd::ok;
    case ')': token = {.kind = Token::Kind::list_end}; ++place_; return ReadEnd::ok;
    case '"': return scan_quoted(token);
    case '{': return scan_literal(token, false);
    case '~':
      if (line_.compare(place_, 2, "~{") != 0) return scan_atom(token);
      ++place_;
      return scan_literal(token, true);
    default: return scan_atom(token);
  }
}

ReadEnd CommandReader::next(Token& token, Deadline deadline) {
  CHECK(state_ != State::literal_announced && literal_left_ == 0);
  token = {};
  if (state_ == State::over) return ReadEnd::ok;
  ReadEnd end = state_ == State::literal ? read_line(deadline) : ReadEnd::ok;
  if (end == ReadEnd::ok) end = scan(token);
  return fail_with(end, deadline);
}

void CommandReader::accept_literal(Deadline deadline) {
  CHECK(state_ == State::literal_announced);
  state_ = State::literal;
  command_left_ = limits_->command;   // a message of many has its own line
  // A failure shows with the next read.
  if (is_synchronizing_) static_cast<void>(stream_.write("+ OK\r\n", deadline));
}

io::Stream::Bytes CommandReader::read_literal(std::size_t size, Deadline deadline) {
  CHECK(state_ == State::literal);
  const auto bytes = stream_.read_some(static_cast<std::size_t>(std::min<std::uint64_t>(size, literal_left_)), deadline);
  literal_left_ -= bytes.data.size();
  return bytes;
}

// Within the limits of what is kept, appended to `out`.
ReadEnd CommandReader::keep_literal(std::string& out, Deadline deadline) {
  if (literal_left_ > limits_->literal || literal_left_ > command_left_) return final_fault("Literal size too large");
  if (literals_left_ == 0) return set_fault("Too many literals");
  --literals_left_;
  const auto size = static_cast<std::size_t>(literal_left_);
  const std::size_t command_left = command_left_ - size;
  accept_literal(deadline);
  command_left_ = command_left;
  const std::size_t begin = out.size();
  const io::End end = stream_.read_exact(out, size, deadline);
  if (end != io::End::ok) {
    state_ = State::over;
    return ended(end);
  }
  literal_left_ = 0;
  return out.find('\0', begin) == std::string::npos ? ReadEnd::ok : set_fault("NULs not allowed in strings");
}

ReadEnd CommandReader::read_small_literal(std::string& out, Deadline deadline) {
  CHECK(state_ == State::literal_announced);
  out.clear();
  return fail_with(keep_literal(out, deadline), deadline);
}

ReadEnd CommandReader::keep(const Token& token, Arguments& arguments, Deadline deadline) {
  if (token.kind != Token::Kind::list_end && arguments.count() == limits_->values) return set_fault("Too many arguments");
  switch (token.kind) {
    case Token::Kind::atom: arguments.add(ValueKind::atom, token.text); break;
    case Token::Kind::quoted: arguments.add(ValueKind::quoted, token.text); break;
    case Token::Kind::literal8: return set_fault("literal8 not allowed here");
    case Token::Kind::literal:
      if (const ReadEnd end = keep_literal(arguments.text(), deadline); end != ReadEnd::ok) return end;
      arguments.add_room(ValueKind::literal, static_cast<std::size_t>(token.size));
      break;
    case Token::Kind::list_begin:
      if (arguments.depth() == limits_->depth) return set_fault("Too many '('");
      arguments.open_list();
      break;
    case Token::Kind::list_end:
      if (arguments.depth() == 0) return set_fault("Unexpected ')'");
      arguments.close_list();
      break;
    case Token::Kind::end: break;
  }
  return ReadEnd::ok;
}

ReadEnd CommandReader::finish(Command& command, Deadline deadline) {
  for (Token token;;) {
    ReadEnd end = next(token, deadline);
    if (end == ReadEnd::ok && token.kind == Token::Kind::end) {
      if (command.arguments.depth() == 0) return ReadEnd::ok;
      end = set_fault("Missing ')'");
    }
    if (end == ReadEnd::ok) end = fail_with(keep(token, command.arguments, deadline), deadline);
    if (end == ReadEnd::ok) continue;
    command.arguments.clear();
    return end;
  }
}

ReadEnd CommandReader::swallow(std::uint64_t size, Deadline deadline) {
  if (size > swallow_left_) return final_fault("Literal size too large");
  swallow_left_ -= size;
  while (size != 0) {
    const auto bytes = stream_.read_some(static_cast<std::size_t>(std::min<std::uint64_t>(size, piece_size)), deadline);
    if (bytes.end != io::End::ok) return ended(bytes.end);
    size -= bytes.data.size();
  }
  return ReadEnd::ok;
}

ReadEnd CommandReader::skip(Deadline deadline) {
  for (;;) {
    switch (state_) {
      case State::idle:
      case State::over: state_ = State::over; return ReadEnd::ok;
      case State::cut:
        state_ = State::over;
        if (const ReadEnd end = skip_line(deadline); end != ReadEnd::ok) return end;
        state_ = State::line;
        break;
      case State::line: {
        const auto mark = mark_at_end(line_);
        state_ = State::over;
        if (!mark) return ReadEnd::ok;
        if (mark->is_synchronizing) return ReadEnd::ok;
        if (!mark->size) return final_fault("Literal size too large");
        literal_left_ = *mark->size;
        state_ = State::literal;
        break;
      }
      case State::literal_announced:
        state_ = State::literal;
        if (!is_synchronizing_) break;
        literal_left_ = 0;
        state_ = State::over;
        return ReadEnd::ok;
      case State::literal:
        state_ = State::over;
        if (const ReadEnd end = swallow(std::exchange(literal_left_, 0), deadline); end != ReadEnd::ok) return end;
        line_.clear();
        state_ = State::cut;
        break;
    }
  }
}

}  // namespace imap
