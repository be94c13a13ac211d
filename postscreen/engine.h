#pragma once
// postscreen's own SMTP: it answers like a server that has no room just now, and watches the client meanwhile. No recipient is ever
// accepted, and what was said cannot be handed on: a client who passes here has to come again.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/io/stream.h"
#include "lib/smtp/ehlo_keywords.h"
#include "lib/smtp/own_reply.h"
#include "postscreen/results.h"

namespace postscreen {

class Session;
struct CommandRow;

class Engine {
 public:
  enum class Greeting { to_send, was_sent };
  enum class End { said, hangup };   // we have had the last word, or he has gone away

  Engine(Session& session, Fd connection);

  // The whole dialogue; parks.
  [[nodiscard]] End run(Greeting greeting);
  // The last word when the dialogue is broken off: it must not park.
  void break_off(const smtp::Reply& reply);
  void close();
  // A client who has come to RCPT has shown what he is.
  [[nodiscard]] bool has_named_recipient() const { return has_named_recipient_; }

  [[nodiscard]] bool has_failed(Test test) const { return failed_.has(test); }

  // For the commands.
  [[nodiscard]] Session& session() { return session_; }
  void say_hello(std::string_view name, bool is_extended);
  [[nodiscard]] bool offers_tls() const;
  [[nodiscard]] bool is_encrypted() const { return is_encrypted_; }
  // From the reply to STARTTLS on; parks. What was said before is forgotten.
  [[nodiscard]] smtp::Reply start_tls();
  [[nodiscard]] bool has_helo() const { return !helo_.empty(); }
  [[nodiscard]] const std::string& helo() const { return helo_; }
  [[nodiscard]] std::string_view protocol() const { return is_extended_ ? "ESMTP" : "SMTP"; }
  [[nodiscard]] std::optional<std::string>& sender() { return sender_; }
  void note_recipient() { has_named_recipient_ = true; }
  // Keywords of EHLO that he is not told, from now on.
  smtp::Ehlo discard_keywords() { return discarded_ = keywords_to_discard(); }

 private:
  // None: the dialogue is over, as how_ says.
  [[nodiscard]] std::optional<std::string> read_command();
  [[nodiscard]] std::optional<std::string> filtered(std::string line);
  // Null: no command.
  [[nodiscard]] smtp::Reply answer(const CommandRow* row, std::string_view rest);
  [[nodiscard]] bool looks_like_smtp(std::string_view verb, std::string_view line);
  [[nodiscard]] bool waits_for_reply(std::string_view verb);
  // He has failed a test after the greeting. False: he is cut off, with this reply.
  [[nodiscard]] bool fail(Test test, const smtp::Reply& last_word);
  [[nodiscard]] bool say(const smtp::Reply& reply);
  // The last word.
  void close_with(const smtp::Reply& reply);
  [[nodiscard]] Deadline deadline() const;
  [[nodiscard]] smtp::Ehlo keywords_to_discard() const;

  Session& session_;
  io::Stream stream_;                    // to the client, or to tlsproxy
  TestSet failed_;
  std::string where_ = "CONNECT";        // the last command that there is
  std::string helo_;
  std::optional<std::string> sender_;    // of the transaction, in external form
  int commands_ = 0;
  smtp::Ehlo discarded_ = smtp::Ehlo::none;
  bool is_extended_ = false;
  bool is_encrypted_ = false;
  bool has_named_recipient_ = false;
  End how_ = End::said;
};

}  // namespace postscreen
