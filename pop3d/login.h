#pragma once
// AUTHORIZATION, the first state of a POP3 session (RFC 1939 section 4): the client says who he is.

#include <string>
#include <string_view>

#include "lib/front/client.h"
#include "pop3d/pop3d_params.h"

namespace pop3d {

class Login {
 public:
  Login(front::Gate& gate, const Params& params, server::Connection& connection) : client_(gate, connection), params_(params) {}

  [[nodiscard]] front::Client& client() { return client_; }
  // The dialogue, and after a login the whole session.
  void talk();
  // To who is one too many.
  void say_too_many();

 private:
  // What comes after a command.
  enum class Next { command, end };

  [[nodiscard]] Next dispatch(std::string_view line);
  [[nodiscard]] Next utf8(std::string_view arguments);
  [[nodiscard]] Next capa();
  [[nodiscard]] Next stls();
  [[nodiscard]] Next user(std::string_view name);
  [[nodiscard]] Next pass(std::string_view password);
  [[nodiscard]] Next auth(std::string_view arguments);
  [[nodiscard]] Next conclude(const front::Verdict& verdict);
  [[nodiscard]] Next reply(std::string_view text);
  // The same, of a command that is none, and of a login that failed.
  [[nodiscard]] Next refuse(std::string_view text);
  [[nodiscard]] Next refuse_login(std::string_view text);

  front::Client client_;
  const Params& params_;
  std::string user_;   // of USER
};

}  // namespace pop3d
