#pragma once
// One login: the server's end of a SASL mechanism, from the first response to the verdict. Bytes in, bytes out; passwords
// are asked of the Passdb, which parks.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/tls/channel_binding.h"
#include "services/authd/mechanisms.h"
#include "services/authd/passdb.h"
#include "services/authd/tokens.h"
#include "services/authd/users.h"

struct Gsasl;

namespace authd {

// Who wants to log in, as the asking program says.
struct Caller {
  std::string service, client_address, local_address;
  bool is_encrypted = false;
  tls::ChannelBinding binding{};                 // of his TLS connection
  std::optional<std::string> certificate_user;   // of a certificate that the asking program has verified
  std::string session;                           // not empty: the asking program wants a ticket for it
};

struct Step {
  enum class Kind { challenge, accepted, refused, unavailable };
  Kind kind;
  std::string bytes;      // of a challenge
  std::string why;        // refused, unavailable: for the log, without secrets
  std::string reason;     // refused: for the client; empty: he is told no more
};

// What all logins share. Process-wide.
class Authority {
 public:
  // `tokens` is null where no tokens are taken.
  Authority(Passdb passdb, NameFormat format, std::string host_name, bool allows_cleartext, std::unique_ptr<TokenSource> tokens = nullptr);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  [[nodiscard]] Passdb& passdb() { return passdb_; }
  [[nodiscard]] const Passdb& passdb() const { return passdb_; }
  [[nodiscard]] TokenSource* tokens() const { return tokens_.get(); }
  [[nodiscard]] const NameFormat& format() const { return format_; }
  [[nodiscard]] const std::string& host_name() const { return host_name_; }
  [[nodiscard]] Gsasl* library() const { return library_; }
  // Whether a password may come over this connection as it is.
  [[nodiscard]] bool takes_cleartext(const Caller& caller) const;
  // The salt for who has none of his own: the same each time, so that it does not tell who exists.
  [[nodiscard]] std::string salt_for(std::string_view user) const;

 private:
  Passdb passdb_;
  NameFormat format_;
  std::string host_name_;
  bool allows_cleartext_;
  std::unique_ptr<TokenSource> tokens_;
  std::string key_;          // of the salts; of this process
  Gsasl* library_ = nullptr;
};

class Exchange {
 public:
  // The error: this mechanism cannot begin.
  static Result<std::unique_ptr<Exchange>> begin(Authority& authority, const MechanismRow& mechanism, Caller caller);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  // None as the first response: there was no initial one.
  [[nodiscard]] virtual Step step(const std::optional<std::string>& response) = 0;

  // He knows that he is refused, though the exchange has a step more: who leaves now has failed, too.
  [[nodiscard]] virtual bool is_lost() const { return false; }

  [[nodiscard]] const MechanismRow& mechanism() const { return mechanism_; }
  [[nodiscard]] const Caller& caller() const { return caller_; }
  // Who he is, once accepted; before that, who he says he is. May be empty.
  [[nodiscard]] const std::string& user() const { return user_; }

 protected:
  Exchange(Authority& authority, const MechanismRow& mechanism, Caller caller)
      : authority_(authority), mechanism_(mechanism), caller_(std::move(caller)) {}
  [[nodiscard]] Asker asker() const { return {caller_.service, caller_.client_address}; }
  // The name in its form for look-ups, and in user(). None: it is none.
  [[nodiscard]] std::optional<std::string> take_name(std::string_view claimed);
  [[nodiscard]] Step check(std::string_view claimed, const std::string& password);

  Authority& authority_;
  const MechanismRow& mechanism_;
  Caller caller_;
  std::string user_;
};

}  // namespace authd
