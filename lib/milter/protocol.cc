#include "lib/milter/protocol.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/mail/dsn.h"

namespace milter {
namespace {

constexpr std::size_t number_size = 4;
constexpr std::size_t code_size = 3;

struct CommandRow {
  Command command;
  std::string_view name;
  Stage stage;
  StepBits bits;
};
constexpr std::array commands{
    CommandRow{Command::connect, "SMFIC_CONNECT", Stage::connect, {no_connect, silent_connect}},
    CommandRow{Command::helo, "SMFIC_HELO", Stage::helo, {no_helo, silent_helo}},
    CommandRow{Command::mail, "SMFIC_MAIL", Stage::mail, {no_mail, silent_mail}},
    CommandRow{Command::rcpt, "SMFIC_RCPT", Stage::rcpt, {no_rcpt, silent_rcpt}},
    CommandRow{Command::data, "SMFIC_DATA", Stage::data, {no_data, silent_data}},
    CommandRow{Command::unknown, "SMFIC_UNKNOWN", Stage::unknown, {no_unknown, silent_unknown}},
    CommandRow{Command::header, "SMFIC_HEADER", Stage::end_of_header, {no_header, silent_header}},
    CommandRow{Command::end_of_header, "SMFIC_EOH", Stage::end_of_header, {no_end_of_header, silent_end_of_header}},
    CommandRow{Command::body, "SMFIC_BODY", Stage::end_of_data, {no_body, silent_body}},
    CommandRow{Command::end_of_body, "SMFIC_BODYEOB", Stage::end_of_data, {0, 0}},
    CommandRow{Command::options, "SMFIC_OPTNEG", Stage::connect, {0, 0}},
    CommandRow{Command::macros, "SMFIC_MACRO", Stage::connect, {0, 0}},
    CommandRow{Command::abort, "SMFIC_ABORT", Stage::connect, {0, 0}},
    CommandRow{Command::quit, "SMFIC_QUIT", Stage::connect, {0, 0}},
};

const CommandRow& row_of(Command command) {
  const auto* found = std::ranges::find(commands, command, &CommandRow::command);
  return found == commands.end() ? commands.back() : *found;
}

struct AnswerRow {
  Answer answer;
  std::string_view name;
};
constexpr std::array answers{
    AnswerRow{Answer::go_on, "SMFIR_CONTINUE"},
    AnswerRow{Answer::accept, "SMFIR_ACCEPT"},
    AnswerRow{Answer::discard, "SMFIR_DISCARD"},
    AnswerRow{Answer::reject, "SMFIR_REJECT"},
    AnswerRow{Answer::tempfail, "SMFIR_TEMPFAIL"},
    AnswerRow{Answer::reply, "SMFIR_REPLYCODE"},
    AnswerRow{Answer::skip, "SMFIR_SKIP"},
    AnswerRow{Answer::progress, "SMFIR_PROGRESS"},
    AnswerRow{Answer::shutdown, "SMFIR_SHUTDOWN"},
    AnswerRow{Answer::connection_failed, "SMFIR_CONN_FAIL"},
    AnswerRow{Answer::add_header, "SMFIR_ADDHEADER"},
    AnswerRow{Answer::insert_header, "SMFIR_INSHEADER"},
    AnswerRow{Answer::change_header, "SMFIR_CHGHEADER"},
    AnswerRow{Answer::change_sender, "SMFIR_CHGFROM"},
    AnswerRow{Answer::add_recipient, "SMFIR_ADDRCPT"},
    AnswerRow{Answer::add_recipient_with_arguments, "SMFIR_ADDRCPT_PAR"},
    AnswerRow{Answer::delete_recipient, "SMFIR_DELRCPT"},
    AnswerRow{Answer::replace_body, "SMFIR_REPLBODY"},
    AnswerRow{Answer::quarantine, "SMFIR_QUARANTINE"},
};

}  // namespace

std::string_view command_name(Command command) { return row_of(command).name; }
StepBits step_bits(Command command) { return row_of(command).bits; }
Stage stage_of(Command command) { return row_of(command).stage; }

std::string_view answer_name(char answer) {
  const auto* found = std::ranges::find(answers, answer, [](const AnswerRow& row) { return static_cast<char>(row.answer); });
  return found == answers.end() ? "unknown filter reply" : found->name;
}

Steps steps_of(int version) {
  constexpr Steps of_2 = no_connect | no_helo | no_mail | no_rcpt | no_body | no_header | no_end_of_header;
  switch (version) {
    case 2: return of_2;
    case 3: return of_2 | no_unknown;
    case 4: return of_2 | no_unknown | no_data;
    case 6: return 2 * keeps_leading_space - 1;
    default: return 0;
  }
}

void append_number(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

void append_string(std::string& out, std::string_view text) {
  out.append(text.substr(0, text.find('\0')));
  out.push_back('\0');
}

std::string packet(Command command, std::string_view data) {
  std::string out;
  out.reserve(number_size + 1 + data.size());
  append_number(out, static_cast<std::uint32_t>(data.size() + 1));
  out.push_back(static_cast<char>(command));
  out.append(data);
  return out;
}

std::uint32_t read_number(std::string_view four_bytes) {
  std::uint32_t number = 0;
  for (const char c : four_bytes.substr(0, number_size)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

std::optional<std::uint32_t> DataReader::number() {
  if (rest_.size() < number_size) return std::nullopt;
  const std::uint32_t number = read_number(rest_);
  rest_.remove_prefix(number_size);
  return number;
}

std::optional<std::string_view> DataReader::string() {
  const std::size_t end = rest_.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view text = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return text;
}

namespace {

// "554" and what separates it from the text.
bool is_refusal_line(std::string_view line) {
  if (line.size() <= code_size) return false;
  const bool has_code = (line[0] == '4' || line[0] == '5') && ascii::is_digit(line[1]) && ascii::is_digit(line[2]);
  if (!has_code || (line[code_size] != ' ' && line[code_size] != '-')) return false;
  std::string_view rest = line.substr(code_size + 1);
  const auto dsn = mail::Dsn::parse_prefix(rest);
  return !dsn || dsn->cls() == line[0] - '0';
}

}  // namespace

std::optional<std::string> parse_reply(std::string_view text) {
  std::string out;
  text = text.substr(0, text.find('\0'));
  for (std::string_view rest = text;;) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    if (!is_refusal_line(line) || line.substr(0, code_size) != text.substr(0, code_size)) return std::nullopt;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '%' && ++i == line.size()) break;
      out.push_back(line[i]);
    }
    const bool is_last = end == std::string_view::npos || end + 2 == rest.size();
    // The last line says so itself.
    if (is_last != (line[code_size] == ' ')) return std::nullopt;
    if (is_last) return out;
    out += "\r\n";
    rest.remove_prefix(end + 2);
  }
}

}  // namespace milter
