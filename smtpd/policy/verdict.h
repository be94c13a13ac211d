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
  // Ends all: the reply goes to the client. After warn_if_reject it is only logged.
  static Verdict refuse(Reply reply) { return Verdict(Refusal{std::move(reply), false}); }
  // The same, whatever stands before it: nobody could say what the restriction would have said.
  static Verdict insist(Reply reply) { return Verdict(Refusal{std::move(reply), true}); }

  [[nodiscard]] bool is_dunno() const { return std::holds_alternative<Dunno>(value_); }
  [[nodiscard]] bool permits() const { return std::holds_alternative<Permit>(value_); }
  [[nodiscard]] bool refuses() const { return std::holds_alternative<Refusal>(value_); }
  [[nodiscard]] bool insists() const { return refuses() && std::get<Refusal>(value_).insists; }
  [[nodiscard]] const Reply& reply() const { return std::get<Refusal>(value_).reply; }

 private:
  struct Dunno {};
  struct Permit {};
  struct Refusal {
    Reply reply;
    bool insists;
  };
  explicit Verdict(std::variant<Dunno, Permit, Refusal> value) : value_(std::move(value)) {}
  std::variant<Dunno, Permit, Refusal> value_;
};

}  // namespace smtpd::policy
