#pragma once
// smtpd asks verify(8) whether mail for an address could be delivered; delivery agents tell it what became of a probe.

#include "lib/ipc/message.h"

namespace ipc {

enum class VerifyCommand {
  query,   // what is known of the address? What is not known, or long known, is found out afterwards
  update,  // a probe of the address has ended so
};

// The numbers are those of the cache that Postfix keeps.
enum class VerifyState { deliverable = 0, deferred = 1, undeliverable = 2, todo = 3 };

struct VerifyRequest {
  VerifyCommand command = VerifyCommand::query;
  std::string address;                     // internal form, as the client gave it
  VerifyState state = VerifyState::todo;   // update
  std::string reason;                      // update
  static constexpr auto fields = std::tuple{Field{"request", &VerifyRequest::command}, Field{"address", &VerifyRequest::address},
                                            Field{"recipient_status", &VerifyRequest::state}, Field{"reason", &VerifyRequest::reason}};
};

struct VerifyAnswer {
  bool ok = false;
  VerifyState state = VerifyState::todo;  // query
  std::string reason;                     // query: of the state
  static constexpr auto fields = std::tuple{Field{"status", &VerifyAnswer::ok}, Field{"recipient_status", &VerifyAnswer::state},
                                            Field{"reason", &VerifyAnswer::reason}};
};

// The socket is that of address_verify_service_name (ask_at).
struct AskVerify {
  using Request = VerifyRequest;
  using Answer = VerifyAnswer;
  static constexpr std::chrono::seconds timeout{100};
  // Where there is no such service the client comes again.
  static constexpr std::chrono::seconds connect_timeout{5};
};

}  // namespace ipc
