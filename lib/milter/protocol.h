#pragma once
// The milter protocol on the wire (sendmail's libmilter, versions 2 to 6): packets of a length (4 bytes, big-endian), one
// byte that says what it is, and data. Pure; a milter is not trusted, and each reader says what is malformed.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace milter {

// What we say.
enum class Command : char {
  options = 'O', macros = 'D', connect = 'C', helo = 'H', mail = 'M', rcpt = 'R', data = 'T', unknown = 'U',
  header = 'L', end_of_header = 'N', body = 'B', end_of_body = 'E', abort = 'A', quit = 'Q',
};
// "SMFIC_CONNECT": as the log names it.
[[nodiscard]] std::string_view command_name(Command command);

// What a milter says: what becomes of the command or of the message ...
enum class Answer : char {
  go_on = 'c', accept = 'a', discard = 'd', reject = 'r', tempfail = 't', reply = 'y', skip = 's', progress = 'p',
  shutdown = '4', connection_failed = 'f',
  // ... and, at its end, what is to be changed.
  add_header = 'h', insert_header = 'i', change_header = 'm', change_sender = 'e', add_recipient = '+',
  add_recipient_with_arguments = '2', delete_recipient = '-', replace_body = 'b', quarantine = 'q',
};
// "SMFIR_CONN_FAIL", or "unknown filter reply".
[[nodiscard]] std::string_view answer_name(char answer);

// Actions: changes that a milter says it may make.
using Actions = std::uint32_t;
inline constexpr Actions may_add_header = 0x1, may_replace_body = 0x2, may_add_recipient = 0x4, may_delete_recipient = 0x8,
                         may_change_header = 0x10, may_quarantine = 0x20, may_change_sender = 0x40, may_add_recipient_with_arguments = 0x80,
                         may_set_macros = 0x100, all_actions = 0x1ff;

// Steps: what a milter does not want to hear (no_), does not answer (silent_), or understands.
using Steps = std::uint32_t;
inline constexpr Steps no_connect = 0x1, no_helo = 0x2, no_mail = 0x4, no_rcpt = 0x8, no_body = 0x10, no_header = 0x20,
                       no_end_of_header = 0x40, silent_header = 0x80, no_unknown = 0x100, no_data = 0x200, understands_skip = 0x400,
                       hears_of_rejected = 0x800, silent_connect = 0x1000, silent_helo = 0x2000, silent_mail = 0x4000,
                       silent_rcpt = 0x8000, silent_data = 0x10000, silent_unknown = 0x20000, silent_end_of_header = 0x40000,
                       silent_body = 0x80000, keeps_leading_space = 0x100000;
// What a protocol version knows; 0 for one that we do not speak.
[[nodiscard]] Steps steps_of(int version);
// The bits about one command.
struct StepBits {
  Steps unheard = 0, unanswered = 0;
};
[[nodiscard]] StepBits step_bits(Command command);

// The stages that have a list of macros; the numbers are the protocol's up to end_of_header.
enum class Stage : std::uint8_t { connect, helo, mail, rcpt, data, end_of_data, end_of_header, unknown };
inline constexpr std::size_t stage_count = 8;
// With which list the macros of a command go.
[[nodiscard]] Stage stage_of(Command command);

// Bytes in one packet: more is refused unread. A milter's largest is a piece of a body, of 65,535 bytes and more.
inline constexpr std::size_t packet_limit = 1024 * 1024;
// Bytes of a body in one packet of ours.
inline constexpr std::size_t chunk_size = 65535;

// A packet of `command` and its data.
[[nodiscard]] std::string packet(Command command, std::string_view data = {});
void append_number(std::string& out, std::uint32_t number);
void append_string(std::string& out, std::string_view text);  // with its NUL
[[nodiscard]] std::uint32_t read_number(std::string_view four_bytes);

// Reads the data of an answer from its start to its end. What is not there is none.
class DataReader {
 public:
  explicit DataReader(std::string_view data) : rest_(data) {}
  [[nodiscard]] std::optional<std::uint32_t> number();
  [[nodiscard]] std::optional<std::string_view> string();   // up to its NUL
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// y: the text of an SMTP reply, with its code in each line: "554-5.7.1 one\r\n554 5.7.1 two". "%%" is a "%". None when it is
// not a refusal in good form (RFC 5321 section 4.2): code and enhanced code must be of the class 4 or 5, and of one.
[[nodiscard]] std::optional<std::string> parse_reply(std::string_view text);

}  // namespace milter
