#pragma once
// The front of a mailbox server hands a client that has logged in to the owner of mailboxes: one request for each session. From
// the answer on the session and the client speak over `connection`: his own socket, or, where TLS lies over that, one on which the
// front carries what he says.

#include "lib/ipc/message.h"

namespace ipc {

struct MailboxRequest {
  std::string ticket, session;   // authd's, and what it is for
  std::string client;            // "name[address]", for the log
  std::string client_address;
  bool is_encrypted = false;
  std::string tag;               // of the command that logged in; what the session answers begins with it
  Fd connection;
  Fd lifeline;                   // the session holds it to its end, which the front sees at the other end
  static constexpr auto fields = std::tuple{
      Field{"ticket", &MailboxRequest::ticket},         Field{"session", &MailboxRequest::session},
      Field{"client", &MailboxRequest::client},         Field{"client_address", &MailboxRequest::client_address},
      Field{"encrypted", &MailboxRequest::is_encrypted}, Field{"tag", &MailboxRequest::tag},
      Field{"connection", &MailboxRequest::connection},  Field{"lifeline", &MailboxRequest::lifeline}};
};

enum class MailboxStatus {
  open,         // the session has the connection, and has answered the client
  refused,      // there is no such mailbox, or too many sessions have it open; `text` is for the client
  unavailable,  // not now
};

struct MailboxAnswer {
  MailboxStatus status = MailboxStatus::unavailable;
  std::string text;
  static constexpr auto fields = std::tuple{Field{"status", &MailboxAnswer::status}, Field{"text", &MailboxAnswer::text}};
};

struct OpenMailbox {
  using Request = MailboxRequest;
  using Answer = MailboxAnswer;
  static constexpr std::chrono::seconds timeout{60};
  static constexpr bool repeats = false;   // the ticket is spent
};

}  // namespace ipc
