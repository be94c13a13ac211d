#pragma once
// One client of a front, from his connection to its end. The protocol's own session speaks with him through stream(), and calls
// here for what all protocols have.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/front/gate.h"
#include "lib/tls/facts.h"

namespace tls {
class Session;
}

namespace front {

// How an attempt to log in ended.
struct Verdict {
  enum class Kind {
    accepted,     // enter() is next
    refused,      // wrong, or not allowed; `text`: what the server says of it, may be empty
    unavailable,  // nobody can tell now
    cleartext,    // the mechanism would show the password to who listens
    unknown,      // there is no such mechanism
    malformed,    // no base64, or too long; `text`: which
    cancelled,    // by the client
    lost,         // the client is gone
  };
  Kind kind;
  std::string text;
};

class Client {
 public:
  Client(Gate& gate, server::Connection& connection);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Finds out who he is, for the log, and counts him with anvil(8) where one address may have only so many connections. False: this
  // is one too many, which has been logged.
  [[nodiscard]] bool arrive();
  // At the end, whatever it was. Not in the destructor, since it waits.
  void depart();

  // The handshake; all that came before it is forgotten by the caller. False: the connection is over, which has been logged.
  [[nodiscard]] bool start_tls();
  [[nodiscard]] bool may_start_tls() const { return !is_encrypted() && gate_.tls() != nullptr; }
  [[nodiscard]] bool is_encrypted() const { return tls_ != nullptr; }
  // Whether a password may come as it is (LOGIN, USER and PASS).
  [[nodiscard]] bool takes_cleartext() const { return gate_.takes_cleartext(channel()); }
  [[nodiscard]] std::vector<auth::Mechanism> mechanisms() { return gate_.mechanisms(channel()); }

  // The exchange of a SASL mechanism: challenges go out as "+ BASE64", responses are lines. `initial` in base64, "=" for none of
  // length zero.
  [[nodiscard]] Verdict log_in(std::string_view mechanism, std::optional<std::string> initial);
  // By a name and a password that came as they are.
  [[nodiscard]] Verdict log_in_by_password(std::string_view user, std::string_view password);

  // After an accepted login: hands the client over, with `tag` for the first answer, and carries his bytes until the end. Returns
  // then, or at once with why he did not get in.
  struct Entry {
    bool was_inside;
    std::string text;   // for the client
    bool is_temporary = true;
  };
  [[nodiscard]] Entry enter(std::string_view tag);

  // A command that is none, a login that failed. False: there were too many of them.
  [[nodiscard]] bool may_go_on_after_bad_command() { return ++bad_commands_ <= gate_.settings().bad_commands_limit; }
  [[nodiscard]] bool may_go_on_after_failure() { return ++failures_ < gate_.settings().failures_limit; }
  // A connection ends before a login.
  void log_lost(std::string_view why) const;

  [[nodiscard]] io::Stream& stream() { return connection_.stream; }
  // Until his bytes have been carried, after which there is nothing to be said.
  [[nodiscard]] bool is_open() const { return !is_over_; }
  [[nodiscard]] Gate& gate() { return gate_; }
  [[nodiscard]] const std::string& name() const { return name_; }   // "name[address]"
  [[nodiscard]] const std::string& address() const { return address_; }
  // Until when he has to have logged in.
  [[nodiscard]] Deadline deadline() const { return deadline_; }

  static constexpr std::size_t response_limit = 12 * 1024;   // bytes of a SASL response

 private:
  void identify();
  [[nodiscard]] std::string ident() const;   // for anvil
  [[nodiscard]] Gate::Channel channel() const;
  [[nodiscard]] Verdict run(const auth::Mechanism& mechanism, std::optional<std::string> initial);
  [[nodiscard]] Verdict conclude(const auth::Answer& answer, std::string_view method);
  [[nodiscard]] Verdict malformed(std::string_view method, std::string_view why);
  [[nodiscard]] Verdict fail(Verdict::Kind kind, std::string_view method, std::string_view why, std::string_view user = "(unavailable)");

  Gate& gate_;
  server::Connection& connection_;
  std::string address_, local_address_, name_, session_;
  bool is_local_ = false;
  bool is_counted_ = false;
  std::unique_ptr<const tls::Facts> tls_;
  const tls::Session* tls_layer_ = nullptr;   // of the stream
  Deadline deadline_;
  int bad_commands_ = 0, failures_ = 0;
  bool is_over_ = false;
  // Of the accepted login.
  std::string method_, user_, ticket_;
};

}  // namespace front
