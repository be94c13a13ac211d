#pragma once
// What a restriction says about the client, or about what he asks.

#include <utility>
#include <variant>

#include "smtpd/reply.h"

namespace smtpd::policy {

class Verdict {
 public:
  // Nothing: ask the next restriction.
  static Verdict dunno() { return Verdict(Dunno{}); }
  // Ends this list of restrictions; later lists are asked all the same.
  static Verdict permit() { return Verdict(Permit{}); }
  // Ends all: the reply goes to the client.
  static Verdict refuse(Reply reply) { return Verdict(std::move(reply)); }

  [[nodiscard]] bool is_dunno() const { return std::holds_alternative<Dunno>(value_); }
  [[nodiscard]] bool permits() const { return std::holds_alternative<Permit>(value_); }
  [[nodiscard]] bool refuses() const { return std::holds_alternative<Reply>(value_); }
  [[nodiscard]] const Reply& reply() const { return std::get<Reply>(value_); }

 private:
  struct Dunno {};
  struct Permit {};
  explicit Verdict(std::variant<Dunno, Permit, Reply> value) : value_(std::move(value)) {}
  std::variant<Dunno, Permit, Reply> value_;
};

}  // namespace smtpd::policy
