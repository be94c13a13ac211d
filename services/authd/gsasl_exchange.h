#pragma once
// All other mechanisms, by libgsasl. The library asks for what it needs by a callback, in the same fiber: that may park,
// since nothing of the library is shared between two logins but its immutable table of mechanisms.

#include <gsasl.h>

#include "services/authd/exchange.h"

namespace authd {

class GsaslExchange final : public Exchange {
 public:
  static Result<std::unique_ptr<Exchange>> begin(Authority& authority, const MechanismRow& mechanism, Caller caller);
  GsaslExchange(const GsaslExchange&) = delete;
  GsaslExchange& operator=(const GsaslExchange&) = delete;
  ~GsaslExchange() override;

  [[nodiscard]] Step step(const std::optional<std::string>& response) override;

  // What the library asks for: a property, or whether somebody is let in. GSASL_OK, or why not.
  [[nodiscard]] int answer(Gsasl_property property);

 private:
  GsaslExchange(Authority& authority, const MechanismRow& mechanism, Caller caller)
      : Exchange(authority, mechanism, std::move(caller)) {}
  [[nodiscard]] std::string_view property(Gsasl_property name) const;
  [[nodiscard]] int refuse(std::string why);
  [[nodiscard]] int validate_simple();
  [[nodiscard]] int validate_external();
  [[nodiscard]] int provide_password();
  void set_secret(const auth::ScramSecret& secret);
  [[nodiscard]] Step accepted();

  Gsasl_session* session_ = nullptr;
  std::optional<Step> verdict_;      // what a callback decided
  bool has_provided_ = false;        // the password, or what stands for it
  bool is_known_ = true;             // there is such a user
  bool awaits_empty_ = false;        // the last word was ours, and the client has to take note of it
};

// For gsasl_callback_set().
int gsasl_callback(Gsasl* library, Gsasl_session* session, Gsasl_property property);

}  // namespace authd
