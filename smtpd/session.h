#pragma once
// One client's session: the dialogue, and the state that the verbs share. It runs in a fiber and parks inside the
// stream. What is here costs every idle session; what belongs to a message lives in the Transaction.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/delivery/session_notice.h"
#include "lib/io/stream.h"
#include "lib/tls/channel_binding.h"
#include "lib/tls/log_level.h"
#include "lib/tls/narration.h"
#include "smtpd/client.h"
#include "smtpd/commands.h"
#include "smtpd/counters.h"
#include "smtpd/forwarded.h"
#include "smtpd/limits.h"
#include "smtpd/macros.h"
#include "smtpd/milters.h"
#include "smtpd/policy/policy.h"
#include "smtpd/reply.h"
#include "smtpd/sasl.h"
#include "smtpd/server.h"
#include "smtpd/transaction.h"

namespace tls {
class Session;
}

namespace smtpd {

// where() after the end of a message.
inline constexpr std::string_view end_of_message = "END-OF-MESSAGE";

class Session : private policy::Asker {
 public:
  Session(Server& server, server::Connection& connection);

  // From the greeting to the disconnect line.
  void run();

  // --- For the verbs. ---

  [[nodiscard]] Server& server() { return server_; }
  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const Params& params() const { return snapshot_.params; }
  [[nodiscard]] const Client& client() const { return client_; }
  [[nodiscard]] const std::string& server_address() const { return server_address_; }
  [[nodiscard]] ClientLimits& limits() { return limits_; }
  [[nodiscard]] policy::Policy& policy() { return policy_; }
  [[nodiscard]] SessionMilters& milters() { return milters_; }
  [[nodiscard]] const std::string& server_port() const { return server_port_; }
  [[nodiscard]] policy::Asker& asker() { return *this; }
  [[nodiscard]] io::Stream& stream() { return stream_; }
  // For the next line or block from the client, or the next reply to it.
  [[nodiscard]] Deadline deadline() const;
  // For the next part of a message whose content began to come at `started`, and of which `bytes` have come.
  [[nodiscard]] Deadline content_deadline(Deadline started, std::size_t bytes) const;

  // Null: AUTH is off.
  [[nodiscard]] Sasl* sasl() { return server_.sasl(); }
  // Who has logged in; null: nobody yet.
  [[nodiscard]] const Login* login() const { return login_.get(); }
  void logged_in(Login login);
  // The client's answer to a challenge. None where it is too long (its rest is skipped), or the client is gone, and noted so.
  [[nodiscard]] std::optional<std::string> read_response(bool& is_too_long);

  [[nodiscard]] Phase phase() const { return phase_; }
  // The one place where the phase changes within a transaction.
  void enter(Phase phase);
  // The one place that ends a transaction, however it ended: what is not at cleanup by then is gone.
  void reset();

  // session_client.cc: whether the client, by name or address, is in the list; no when it cannot be read, which is logged.
  [[nodiscard]] bool is_listed_in(const maps::MatchList& list) const;
  // XCLIENT: the session begins anew, with another client. Gives what he is greeted with.
  [[nodiscard]] Reply become(std::span<const ClientFact> facts);
  // XFORWARD: the next message is another client's.
  void forward(std::span<const ClientFact> facts);

  // What is known of TLS; null in plaintext.
  [[nodiscard]] const tls::Facts* tls() const { return tls_.get(); }
  // Whether what is said now is said under TLS.
  [[nodiscard]] bool is_encrypted() const { return tls_ != nullptr; }
  // session_tls.cc: what a login may be bound to; empty without TLS.
  [[nodiscard]] bool has_binding() const;
  [[nodiscard]] const tls::ChannelBinding& binding();
  [[nodiscard]] bool offers_require_tls() const { return params().requiretls_enable && is_encrypted(); }
  [[nodiscard]] bool offers_tls() const { return server_.tls().level != TlsLevel::none && !is_encrypted(); }
  // The handshake, after which the session begins anew. False: there is no TLS. Either way the session may be over then, which has
  // been noted and logged.
  [[nodiscard]] bool start_tls();

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
  // session_filter.cc: whether messages go through a filter in front of the queue.
  [[nodiscard]] bool is_filtered() const;
  // What it said to the end of the message, or was not asked any more.
  void log_filtered(const Reply& reply) const;

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

  // What milters have decided, with "milter-" before the action.
  void log_milter(std::string_view action, std::string_view text);
  // Of the transaction, if there is one, or else of all that come: what becomes of it.
  void decide(ipc::MessageFlags flags);

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
  // session_client.cc
  [[nodiscard]] Reply greeting();
  void take(const ClientFact& fact);
  // session_tls.cc
  [[nodiscard]] bool start_wrapped();
  [[nodiscard]] bool is_welcome_in_tls(tls::Detail detail);
  [[nodiscard]] tls::LogLevel log_level_of_client() const;
  [[nodiscard]] tls::Narration narration(tls::LogLevel level) const;
  // One command. False: the session is over.
  [[nodiscard]] bool serve_one();
  [[nodiscard]] std::optional<Reply> dispatch(const Command& command, std::size_t index);
  [[nodiscard]] std::optional<std::string> read_command();
  [[nodiscard]] std::optional<std::string> filtered(std::string line);
  [[nodiscard]] bool skip_rest_of_line(std::size_t already);
  [[nodiscard]] io::LineResult read_line(std::size_t limit);
  [[nodiscard]] bool is_improper_pipelining(unsigned flags);
  void count(std::size_t command, const std::optional<Reply>& reply);
  // session_notice.cc
  void keep_transcript();
  [[nodiscard]] bool is_debugged() const;
  void heard(std::string_view line);
  void said(std::string_view wire);
  void note_error(const Reply& reply);
  void notify();
  void log_end();
  [[nodiscard]] MacroFacts macro_facts() const;
  [[nodiscard]] std::optional<Reply> open_at_cleanup();
  // session_filter.cc
  [[nodiscard]] std::optional<Reply> open_filtered();
  // session_log.cc
  // " from=<a> to=<b> proto=ESMTP helo=<c>"
  [[nodiscard]] std::string log_details(std::string_view to) const;
  // " sasl_method=PLAIN sasl_username=alice", or nothing
  [[nodiscard]] std::string log_login() const;
  void log_action(std::string_view action, std::string_view where, std::string_view text) const;
  void log_line(std::string_view action, std::string_view where, std::string_view text, std::string_view login) const;
  void log_verdict(std::string_view action, std::string_view text) override { log_action(action, where_, text); }
  [[nodiscard]] Origin origin() const;
  [[nodiscard]] std::string_view rewrite_context() const;
  [[nodiscard]] std::string_view sasl_sender() const;

  enum class Ending { none, quit, refused, lost_connection, timeout, too_many_errors, line_too_long };

  Server& server_;
  const Snapshot& snapshot_;
  io::Stream& stream_;
  Client client_;
  std::string server_address_, server_port_;
  std::string instance_;                       // what policy servers know a message by
  ClientLimits limits_;
  policy::Policy policy_;
  SessionMilters milters_;
  Counters counters_;
  std::optional<delivery::Transcript> transcript_;  // where the postmaster wants to hear of errors
  bool is_debugged_ = false;                        // in debug_peer_list
  std::unique_ptr<const tls::Facts> tls_;
  const tls::Session* tls_layer_ = nullptr;    // of the stream
  tls::ChannelBinding binding_;                // once it was asked for
  std::string helo_;
  std::string recipient_;
  std::unique_ptr<Forwarded> forwarded_;       // XFORWARD
  std::unique_ptr<Transaction> transaction_;
  std::unique_ptr<Login> login_;
  std::string_view where_ = "CONNECT";
  Ending ending_ = Ending::none;
  std::optional<std::size_t> content_bytes_;   // of the content whose reading was cut off
  int errors_ = 0, junk_ = 0;
  Ehlo discarded_ = Ehlo::none;
  BareNewline bare_newline_;
  ipc::MessageFlags decided_ = ipc::MessageFlags::none;                       // of every message
  Phase phase_ = Phase::idle;
  bool is_extended_ = false;
  bool is_denied_ = false;                     // greeted with a refusal: only QUIT is served
  bool noted_bare_newline_ = false;
  bool noted_pipelining_ = false;
  bool overshoot_is_forgiven_ = false;
  bool was_refused_ = false;                   // by policy, the command that is being served
};

}  // namespace smtpd
