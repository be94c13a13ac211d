#pragma once
// One client's session: the dialogue, and the state that the verbs share. It runs in a fiber and parks inside the
// stream. What is here costs every idle session; what belongs to a message lives in the Transaction.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/delivery/session_notice.h"
#include "lib/io/stream.h"
#include "smtpd/client.h"
#include "smtpd/commands.h"
#include "smtpd/counters.h"
#include "smtpd/ehlo_keywords.h"
#include "smtpd/limits.h"
#include "smtpd/policy/policy.h"
#include "smtpd/reply.h"
#include "smtpd/server.h"
#include "smtpd/transaction.h"

namespace smtpd {

// where() after the end of a message.
inline constexpr std::string_view end_of_message = "END-OF-MESSAGE";

class Session : private policy::WarningLog {
 public:
  Session(Server& server, server::Connection& connection);

  // From the greeting to the disconnect line.
  void run();

  // --- For the verbs. ---

  [[nodiscard]] Server& server() { return server_; }
  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const Params& params() const { return snapshot_.params; }
  [[nodiscard]] const Client& client() const { return client_; }
  [[nodiscard]] ClientLimits& limits() { return limits_; }
  [[nodiscard]] policy::Policy& policy() { return policy_; }
  [[nodiscard]] policy::WarningLog& warnings() { return *this; }
  [[nodiscard]] io::Stream& stream() { return stream_; }
  // For the next line or block from the client, or the next reply to it.
  [[nodiscard]] Deadline deadline() const;
  // For the next part of a message whose content began to come at `started`, and of which `bytes` have come.
  [[nodiscard]] Deadline content_deadline(Deadline started, std::size_t bytes) const;

  [[nodiscard]] Phase phase() const { return phase_; }
  // The one place where the phase changes within a transaction.
  void enter(Phase phase);
  // The one place that ends a transaction, however it ended: what is not at cleanup by then is gone.
  void reset();

  [[nodiscard]] bool has_helo() const { return !helo_.empty(); }
  [[nodiscard]] const std::string& helo() const { return helo_; }
  void set_helo(std::string name, bool is_extended);
  void forget_helo() { helo_.clear(); }
  // "SMTP" or "ESMTP".
  [[nodiscard]] std::string_view protocol() const { return is_extended_ ? "ESMTP" : "SMTP"; }
  // What EHLO does not announce to this client.
  [[nodiscard]] Ehlo discarded() const { return discarded_; }
  void discard(Ehlo keywords) { discarded_ = keywords; }
  [[nodiscard]] Announced announced() const;

  // strict_smtputf8: the refusal of an address that needs SMTPUTF8 where the client did not ask for it.
  [[nodiscard]] std::optional<Reply> undeclared_utf8(std::string_view address, bool declared) const;

  // The transaction that MAIL began; there must be one.
  [[nodiscard]] Transaction& transaction();
  [[nodiscard]] const Transaction* find_transaction() const { return transaction_.get(); }
  void begin(std::unique_ptr<Transaction> transaction);
  // Opens the message at cleanup if it is not, and logs "QID: client=...". The refusal when cleanup cannot take it.
  [[nodiscard]] std::optional<Reply> open_message();
  [[nodiscard]] std::string received_header() const;

  // What the client was doing, for the log and for policies: a verb, "CONNECT", "UNKNOWN", "END-OF-MESSAGE".
  [[nodiscard]] std::string_view where() const { return where_; }
  void set_where(std::string_view where) { where_ = where; }
  [[nodiscard]] policy::Subject subject(std::string_view recipient = {}) const;
  // The session's recipient for log lines while one is being asked about.
  void set_recipient(std::string_view recipient) { recipient_ = recipient; }

  // The one place that logs a reject line; gives the reply back, softened when soft_bounce says so.
  [[nodiscard]] Reply refuse(Reply reply);
  // The same for what has its own words in the log.
  void log_reject(std::string_view where, std::string_view text) const { log_action("reject", where, text); }

  // Sends at once, where a verb's dialogue goes on after the reply (354). False: the client is gone, and noted as that.
  [[nodiscard]] bool send(const Reply& reply);
  // A read of content ended; how many bytes had come.
  void lost(io::End end, std::optional<std::size_t> content_bytes);

  // The refusal that is being returned is not to count as an error.
  void forgive_overshoot() { overshoot_is_forgiven_ = true; }
  // A message was taken: past errors are forgiven.
  void forgive();

  [[nodiscard]] BareNewline bare_newline() const { return bare_newline_; }
  void note_bare_newline() { noted_bare_newline_ = true; }

  // "QID" or "NOQUEUE".
  [[nodiscard]] std::string_view log_id() const;

 private:
  [[nodiscard]] bool greet();
  // One command. False: the session is over.
  [[nodiscard]] bool serve_one();
  [[nodiscard]] std::optional<Reply> dispatch(const Command& command, std::size_t index);
  [[nodiscard]] std::optional<std::string> read_command();
  [[nodiscard]] bool skip_rest_of_line(std::size_t already);
  [[nodiscard]] io::LineResult read_line(std::size_t limit);
  [[nodiscard]] bool is_improper_pipelining(unsigned flags);
  void count(std::size_t command, const std::optional<Reply>& reply);
  // session_notice.cc
  void keep_transcript();
  void heard(std::string_view line);
  void said(std::string_view wire);
  void note_error(const Reply& reply);
  void notify();
  void log_end();
  [[nodiscard]] FooterFacts footer_facts() const;
  void log_action(std::string_view action, std::string_view where, std::string_view text) const;
  void reject_warning(const Reply& reply) override { log_action("reject_warning", where_, reply.text()); }
  [[nodiscard]] Origin origin() const;
  [[nodiscard]] std::string_view rewrite_context() const;

  enum class Ending { none, quit, refused, lost_connection, timeout, too_many_errors, line_too_long };

  Server& server_;
  const Snapshot& snapshot_;
  io::Stream& stream_;
  Client client_;
  std::string server_address_, server_port_;
  ClientLimits limits_;
  policy::Policy policy_;
  Counters counters_;
  std::optional<delivery::Transcript> transcript_;  // where the postmaster wants to hear of errors
  std::string helo_;
  std::string recipient_;
  std::unique_ptr<Transaction> transaction_;
  std::string_view where_ = "CONNECT";
  Ending ending_ = Ending::none;
  std::optional<std::size_t> content_bytes_;   // of the content whose reading was cut off
  int errors_ = 0, junk_ = 0;
  Ehlo discarded_ = Ehlo::none;
  BareNewline bare_newline_;
  Phase phase_ = Phase::idle;
  bool is_extended_ = false;
  bool is_denied_ = false;                     // greeted with a refusal: only QUIT is served
  bool noted_bare_newline_ = false;
  bool noted_pipelining_ = false;
  bool overshoot_is_forgiven_ = false;
  bool was_refused_ = false;                   // by policy, the command that is being served
};

}  // namespace smtpd
