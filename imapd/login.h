#pragma once
// The not authenticated state of an IMAP session (RFC 9051 section 6.2): the client says who he is.

#include <optional>
#include <string>
#include <string_view>

#include "imapd/imapd_params.h"
#include "lib/front/client.h"
#include "lib/imap/command_reader.h"

namespace imapd {

class Login {
 public:
  Login(front::Gate& gate, const Params& params, server::Connection& connection)
      : client_(gate, connection), params_(params), reader_(client_.stream(), imap::limits_before_login) {}

  [[nodiscard]] front::Client& client() { return client_; }
  // The dialogue, and after a login the whole session.
  void talk();
  // To who is one too many.
  void say_too_many();

 private:
  // What comes after a command.
  enum class Next { command, end };

  [[nodiscard]] Next read_command();
  [[nodiscard]] Next dispatch();
  [[nodiscard]] Next capability();
  [[nodiscard]] Next id();
  [[nodiscard]] Next starttls();
  [[nodiscard]] Next authenticate();
  [[nodiscard]] Next login();
  [[nodiscard]] Next conclude(const front::Verdict& verdict);
  [[nodiscard]] std::string capabilities();
  // A tagged reply to the command.
  [[nodiscard]] Next ok(std::string_view text, std::string_view code = {});
  [[nodiscard]] Next no(std::string_view text, std::string_view code = {});
  // The client's mistake: a command that is none, or has other arguments.
  [[nodiscard]] Next bad_command();
  [[nodiscard]] Next bad(std::string_view text);
  [[nodiscard]] Next bye(std::string_view text, std::string_view why);
  [[nodiscard]] Next write(std::string_view text);

  front::Client client_;
  const Params& params_;
  imap::CommandReader reader_;
  imap::Command command_;
};

}  // namespace imapd
