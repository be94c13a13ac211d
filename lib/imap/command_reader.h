#pragma once
// Reads commands from a client (RFC 9051 section 2.2.1; literals: RFC 7888, RFC 3516). A command is a tag, a name and
// arguments; the arguments come as a tree (finish), or as tokens one by one (next), for APPEND and its like, whose literals
// are too large for memory. Before the first and after the last byte of a command the reader holds nothing of the stream, so
// that AUTHENTICATE, IDLE, STARTTLS and COMPRESS may use the stream themselves in between.
//
// Liberal as Dovecot is: blanks may be doubled, a value may follow a closing quote at once, LF alone ends a line.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/imap/arguments.h"
#include "lib/io/stream.h"

namespace imap {

struct ReaderLimits {
  std::size_t command;    // bytes of a command's lines and of the literals that are kept
  std::size_t literal;    // bytes of one literal that is kept
  std::size_t values;     // lists, and all that is in them
  std::size_t depth;      // of lists
  std::size_t literals;   // of one command, however small
  std::uint64_t swallow;  // bytes read over after a fault, to find where the next command begins
};

// Buffers and tree of one command stay below 64 KB, whatever is sent (ATTACKS I01, I02).
inline constexpr ReaderLimits limits_before_login{.command = 8192, .literal = 4096, .values = 256, .depth = 8, .literals = 16, .swallow = 4096};
inline constexpr ReaderLimits limits_after_login{
    .command = 64 * 1024, .literal = 64 * 1024, .values = 32 * 1024, .depth = 100, .literals = 1000, .swallow = 64 * 1024 * 1024};

// The largest literal that can be announced (RFC 9051: number64); more is a final fault.
inline constexpr std::uint64_t literal_size_max = INT64_MAX;
inline constexpr std::size_t tag_size_max = 256, command_name_size_max = 64;

struct Command {
  std::string tag;        // empty when it was none: answer "* BAD"
  std::string name;       // upper case; "UID FETCH" with its prefix. Empty when there was none
  Arguments arguments;
};

// Why a command could not be read, in the words for "BAD Error in IMAP command NAME: ".
struct Fault {
  std::string text;
  // Where the next command begins is not known, or too far off: BAD, then BYE, and the connection ends.
  bool is_final = false;
};

enum class ReadEnd {
  ok,
  fault,      // fault() says what is wrong. Unless it is final, the command has been read over to its end
  eof,
  timeout,
  error,      // of the stream
};

struct Token {
  enum class Kind { atom, quoted, literal, literal8, list_begin, list_end, end };
  Kind kind = Kind::end;
  std::string_view text;     // of atom and quoted; lives until the next call on the reader
  std::uint64_t size = 0;    // of a literal, which has not been read
};

class CommandReader {
 public:
  CommandReader(io::Stream& stream, const ReaderLimits& limits) : stream_(stream), limits_(&limits) {}
  // For the next command.
  void set_limits(const ReaderLimits& limits) { limits_ = &limits; }

  // Waits for a command and reads its tag and name (what is in `command` is cleared). Then comes finish(), next() until
  // Token::Kind::end, or skip().
  [[nodiscard]] ReadEnd begin(Command& command, Deadline deadline);
  // All arguments, literals included, for which "+ OK" is written as they ask.
  [[nodiscard]] ReadEnd finish(Command& command, Deadline deadline);
  // The rest of the command is read over: unknown or refused commands. A synchronising literal that was not accepted ends
  // the command: its sender waits for our answer. Other literals are swallowed.
  [[nodiscard]] ReadEnd skip(Deadline deadline);

  // The next token. Kind::end when the command is over, again and again. After a literal's token either accept_literal() and
  // its bytes, or skip().
  [[nodiscard]] ReadEnd next(Token& token, Deadline deadline);
  // The client may send the literal that next() has announced: writes "+ OK" if it is synchronising.
  void accept_literal(Deadline deadline);
  // Some bytes of the accepted literal, at least one while literal_left() is not 0. The view lives until the next call.
  [[nodiscard]] io::Stream::Bytes read_literal(std::size_t size, Deadline deadline);
  [[nodiscard]] std::uint64_t literal_left() const { return literal_left_; }
  // Accepts the literal that next() has announced and reads it whole, if it is within the limit of kept literals.
  [[nodiscard]] ReadEnd read_small_literal(std::string& out, Deadline deadline);

  // A fault of the caller's own, found within the tokens: the command is skipped.
  [[nodiscard]] ReadEnd reject(std::string text, Deadline deadline);

  [[nodiscard]] const Fault& fault() const { return fault_; }
  [[nodiscard]] io::Stream& stream() { return stream_; }

 private:
  // cut: of a line, only the first part has been read.
  enum class State { idle, line, cut, literal_announced, literal, over };
  ReadEnd read_line(Deadline deadline);
  ReadEnd ended(io::End end) const;
  ReadEnd set_fault(std::string text);
  ReadEnd final_fault(std::string text);
  ReadEnd scan(Token& token);
  ReadEnd scan_atom(Token& token);
  ReadEnd scan_quoted(Token& token);
  ReadEnd scan_literal(Token& token, bool is_literal8);
  ReadEnd keep(const Token& token, Arguments& arguments, Deadline deadline);
  ReadEnd keep_literal(std::string& out, Deadline deadline);
  ReadEnd skip_line(Deadline deadline);
  ReadEnd take_word(std::string& word, std::size_t limit);
  ReadEnd swallow(std::uint64_t size, Deadline deadline);
  ReadEnd fail_with(ReadEnd end, Deadline deadline);

  io::Stream& stream_;
  const ReaderLimits* limits_;
  State state_ = State::idle;
  std::string line_;              // the command's present line
  std::size_t place_ = 0;         // in it
  std::string quoted_;            // the last quoted string that had backslashes
  std::size_t command_left_ = 0;  // of the limits
  std::size_t literals_left_ = 0;
  std::uint64_t swallow_left_ = 0;
  std::uint64_t literal_left_ = 0;
  bool is_synchronizing_ = false;
  Fault fault_;
};

}  // namespace imap
