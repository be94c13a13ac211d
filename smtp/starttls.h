#pragma once
// TLS in a session with a server (RFC 3207): the command, the handshake, and whether the server is whom the policy wants.

#include <chrono>
#include <string>

#include "lib/ipc/trace_source.h"
#include "lib/tls/session.h"
#include "smtp/connection.h"
#include "smtp/require_tls.h"
#include "smtp/tls_policy.h"
#include "smtp/tls_report.h"
#include "smtp/tls_sessions.h"
#include "smtp/tls_status.h"

namespace smtp {

// What a session is told of TLS.
struct TlsPlan {
  const TlsSite& site;
  TlsPolicy policy;
  RequireTls require = RequireTls::not_asked;
  const TlsReport* report = nullptr;   // null: nobody wants to hear of it
  bool reports_resumed = false;        // smtp_tlsrpt_skip_reused_handshakes is off
  std::string ehlo;                    // the server's reply, for a report
  TlsStatus status;                 // as far as it has come
  std::string nexthop;              // the destination's host, which names may refer to
  bool is_wrapped = false;          // smtp_tls_wrappermode
  bool notes_offer = false;         // smtp_tls_note_starttls_offer
  bool blocks_early_replies = false;   // smtp_tls_block_early_mail_reply
  std::chrono::seconds timeout;     // smtp_starttls_timeout
  tls::LogLevel log_level;
  ipc::TraceSource* traces = nullptr;   // null: nothing is traced
  std::size_t trace_limit = 0;          // smtp_tls_trace_size_limit
  TlsSessions* sessions = nullptr;  // null: none is resumed
  std::string service;              // whose sessions they are: the name in master.cf
  bool has_failed = false;          // a handshake did; plaintext might do
  std::string session_id;           // what the present session is kept under; empty: not at all
  tls::Session* layer = nullptr;    // of the connection, once it has TLS

  // More is said than who it is.
  [[nodiscard]] bool is_loud() const { return log_level.detail >= tls::Detail::steps; }
};

// What TLS does with the session, after the reply to EHLO. True: it has TLS now, and must be greeted again. False: it stays as it
// is, which the policy allows.
[[nodiscard]] Step<bool> secure(Connection& connection, TlsPlan& plan);

// Whether the server is to be asked for REQUIRETLS, now that it has said what it can. The error: it had to be.
[[nodiscard]] Step<bool> ask_require_tls(const Connection& connection, TlsPlan& plan);

// After the reply to EHLO: a server that has said more under TLS than it was asked answers commands that somebody else has put before
// ours (CVE-2009-3555). The error: so it is.
[[nodiscard]] Step<void> look_for_early_replies(Connection& connection, const TlsPlan& plan);

// To be called when the server has said something under TLS: what it has given is kept, to be resumed.
void keep_session(const TlsPlan& plan);

// The handshake, where it is due at once (wrapper mode).
[[nodiscard]] Step<void> begin_tls(Connection& connection, TlsPlan& plan);

}  // namespace smtp
