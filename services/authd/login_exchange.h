#pragma once
// LOGIN, which no standard describes: a name is asked for, then a password. Not by libgsasl, whose questions old clients do
// not know, and which takes no initial response.

#include "services/authd/exchange.h"

namespace authd {

class LoginExchange final : public Exchange {
 public:
  LoginExchange(Authority& authority, const MechanismRow& mechanism, Caller caller) : Exchange(authority, mechanism, std::move(caller)) {}

  [[nodiscard]] Step step(const std::optional<std::string>& response) override {
    if (name_) return check(*name_, response.value_or(""));
    if (!response || (response->empty() && !was_asked_)) {
      was_asked_ = true;
      return {Step::Kind::challenge, "Username:", {}, {}};
    }
    name_ = *response;
    return {Step::Kind::challenge, "Password:", {}, {}};
  }

 private:
  std::optional<std::string> name_;
  bool was_asked_ = false;
};

}  // namespace authd
