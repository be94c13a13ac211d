#pragma once
// What one of our servers answers to a command (RFC 5321 section 4.2, RFC 2034). Several lines are several lines of text,
// separated by '\n'.

#include <optional>
#include <string>
#include <string_view>

#include "lib/mail/dsn.h"

namespace smtp {

class Reply {
 public:
  // What the session does after it has sent the reply.
  enum class Then { go_on, close, hang_up, said };   // hang_up: at once, the client hears nothing; said: the handler has sent it

  // `text` is what follows the code, with its enhanced status code if it has one: Reply(250, "2.0.0 Ok").
  Reply(int code, std::string text, Then then = Then::go_on) : code_(code), text_(std::move(text)), then_(then) {}

  // A reply that somebody else wrote in full, as cleanup and error: transports do: "554 5.7.1 text". What has no code
  // gets `code` and `dsn`; a code or an enhanced code of another class than 4 or 5 is replaced as well.
  static Reply from_text(std::string_view text, int code, mail::Dsn dsn);

  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] bool is_error() const { return code_ >= 400; }
  [[nodiscard]] bool is_said() const { return then_ == Then::said; }
  // Two codes say by themselves that no more is served (RFC 5321 section 4.2.2, RFC 7504).
  [[nodiscard]] bool closes() const { return then_ == Then::close || then_ == Then::hang_up || code_ == 421 || code_ == 521; }
  [[nodiscard]] bool is_silent() const { return then_ == Then::hang_up; }
  // What follows the code.
  [[nodiscard]] const std::string& words() const { return text_; }
  // In one line, as a reject line in the log has it: "554 5.7.1 <a@b>: Relay access denied".
  [[nodiscard]] std::string text() const;
  // As sent: each line with its code and CRLF. What cannot be in a reply line has become '?'.
  [[nodiscard]] std::string wire() const;

  // soft_bounce: a permanent refusal becomes a temporary one, in both codes (RFC 5321 4.2.1, RFC 3463).
  [[nodiscard]] Reply softened() const;

  // With more lines behind it, which `footer` separates by "\\n" (these two characters), each with the same codes.
  enum class Footer { on_new_line, on_last_line };
  [[nodiscard]] Reply with_footer(std::string_view footer, Footer begins) &&;

 private:
  int code_;
  std::string text_;
  Then then_;
};

}  // namespace smtp
