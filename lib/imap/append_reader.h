#pragma once
// APPEND and what grew from it, read as it comes: MULTIAPPEND (RFC 3502), CATENATE (RFC 4469), literal8 (RFC 3516), UTF8 (RFC
// 6855). REPLACE (RFC 8508) is an APPEND with a number before the mailbox. The messages are never in memory: the caller
// gets each literal's size and reads it from the CommandReader.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/deadline.h"
#include "lib/imap/command_reader.h"
#include "lib/imap/date_time.h"
#include "lib/imap/flag_list.h"
#include "lib/imap/url.h"

namespace imap {

inline constexpr std::size_t append_messages_limit = 10'000;   // of one command
inline constexpr std::size_t catenate_parts_limit = 100;       // of one message

struct AppendEvent {
  enum class Kind : std::uint8_t {
    message,     // a message begins: flags, date
    literal,     // a piece of it, or all: size; accept_literal() or skip() on the reader, then all its bytes
    url,         // a piece of it: url
    message_end,
    end,         // the command is over
  };
  Kind kind = Kind::end;
  FlagList flags;
  std::optional<DateTime> date;
  bool is_catenated = false;     // of message: pieces follow, not one literal
  std::uint64_t size = 0;
  bool is_literal8 = false;      // may have NUL
  bool is_utf8 = false;          // UTF8 (~{n}): headers may be UTF-8
  std::string url;
};

// After CommandReader::begin. For each call that does not end with ReadEnd::ok the command is over.
class AppendReader {
 public:
  explicit AppendReader(CommandReader& reader) : reader_(reader) {}
  // REPLACE only: the number of the message that goes.
  [[nodiscard]] ReadEnd read_number(std::uint32_t& number, Deadline deadline);
  // As it was written.
  [[nodiscard]] ReadEnd read_mailbox(std::string& mailbox, Deadline deadline);
  // message, (literal | url).., message_end, message, .., end. Between a literal event and the next call the literal has been
  // read whole. Faults are in the reader.
  [[nodiscard]] ReadEnd next(AppendEvent& event, Deadline deadline);

 private:
  enum class State : std::uint8_t { between, whole, pieces, utf8_end, message_end, over };
  ReadEnd begin_message(AppendEvent& event, Deadline deadline);
  ReadEnd read_data(AppendEvent& event, Deadline deadline);
  ReadEnd next_piece(AppendEvent& event, Deadline deadline);
  ReadEnd read_flags(FlagList& flags, Deadline deadline);
  ReadEnd take_string(std::string& text, Deadline deadline);
  ReadEnd take(Deadline deadline) { return reader_.next(token_, deadline); }
  ReadEnd take(Token::Kind kind, Deadline deadline);
  [[nodiscard]] bool is_literal() const { return token_.kind == Token::Kind::literal || token_.kind == Token::Kind::literal8; }
  void announce(AppendEvent& event) const;

  CommandReader& reader_;
  State state_ = State::between;
  Token token_;                 // the last one
  bool is_utf8_ = false;        // of the literal that comes
  std::size_t messages_ = 0;
  std::size_t parts_ = 0;       // of this message
};

}  // namespace imap
