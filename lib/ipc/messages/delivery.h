#pragma once
// qmgr(8) asks a delivery agent (local, virtual, smtp, error, retry, discard) to deliver one message to some of its
// recipients. The agent gets a descriptor of its own of the queue file (pread and pwrite only), logs each recipient's
// delivery line, appends failures to the bounce or defer log, marks finished recipients in the file, then answers.

#include "lib/ipc/message.h"

namespace ipc {

struct DeliveryRecipient {
  std::int64_t offset = 0;      // of its record in the queue file: where the done mark goes; 0: the one that asks marks
  std::string address;          // internal form, after resolve
  std::string original;         // as first received; empty when it is the same
  std::string dsn_original;     // ORCPT ("rfc822;user@example.com"), or empty
  int notify = 0;               // NOTIFY bits: 1 never, 2 success, 4 failure, 8 delay; 0 not given
  static constexpr auto fields =
      std::tuple{Field{"offset", &DeliveryRecipient::offset}, Field{"recipient", &DeliveryRecipient::address},
                 Field{"original_recipient", &DeliveryRecipient::original},
                 Field{"dsn_orig_rcpt", &DeliveryRecipient::dsn_original},
                 Field{"notify_flags", &DeliveryRecipient::notify}};
};

struct DeliveryRequest {
  Fd file;
  std::string queue_name;       // "active"
  std::string queue_id;
  std::string transport;        // the service that is asked, as in master.cf
  std::string nexthop;
  std::string sender;           // internal form; empty for the null sender
  std::string encoding;         // "7bit", "8bit" or empty
  std::int64_t data_offset = 0; // of the first content record (after M)
  std::int64_t data_size = 0;   // bytes of content records, as in the C record
  bool smtputf8 = false;
  bool tls_optional = false;    // RFC 8689: the sender would rather have it delivered than protected ("TLS-Required: no")
  bool tls_required = false;    // ... or not delivered rather than not protected (REQUIRETLS), which goes first
  std::string dsn_envid;        // ENVID, decoded, or empty
  int dsn_ret = 0;              // mail::ret
  bool success_trace = false;   // sendmail -v: deliver, and report what happens to each recipient
  bool delay_cleared = false;   // the sender knows that the message is late, and wants to hear of each delivery
  bool backlog = false;         // more mail waits for this next hop: a connection to it is worth keeping
  bool verify_only = false;     // sendmail -bv: do not deliver, report whether each recipient could be delivered
  bool probe = false;           // the same for verify(8), which hears of it in place of the sender
  bool first_try = false;       // nobody has tried to deliver the message before, not even an agent that died
  Stamp arrived{};              // T record
  Stamp activated{};            // entered the active queue
  Stamp requested{};            // this request was sent
  std::string client_name, client_address, client_port, client_proto, client_helo;   // log_* attributes of the message
  std::string sasl_method, sasl_username, sasl_sender, log_ident, rewrite_context;
  std::vector<DeliveryRecipient> recipients;
  static constexpr auto fields = std::tuple{
      Field{"file", &DeliveryRequest::file},
      Field{"queue_name", &DeliveryRequest::queue_name},
      Field{"queue_id", &DeliveryRequest::queue_id},
      Field{"transport", &DeliveryRequest::transport},
      Field{"nexthop", &DeliveryRequest::nexthop},
      Field{"sender", &DeliveryRequest::sender},
      Field{"encoding", &DeliveryRequest::encoding},
      Field{"data_offset", &DeliveryRequest::data_offset},
      Field{"data_size", &DeliveryRequest::data_size},
      Field{"smtputf8", &DeliveryRequest::smtputf8},
      Field{"tls_optional", &DeliveryRequest::tls_optional},
      Field{"tls_required", &DeliveryRequest::tls_required},
      Field{"envelope_id", &DeliveryRequest::dsn_envid},
      Field{"ret_flags", &DeliveryRequest::dsn_ret},
      Field{"success_trace", &DeliveryRequest::success_trace},
      Field{"delay_cleared", &DeliveryRequest::delay_cleared},
      Field{"backlog", &DeliveryRequest::backlog},
      Field{"verify_only", &DeliveryRequest::verify_only},
      Field{"probe", &DeliveryRequest::probe},
      Field{"first_try", &DeliveryRequest::first_try},
      Field{"arrived", &DeliveryRequest::arrived},
      Field{"activated", &DeliveryRequest::activated},
      Field{"requested", &DeliveryRequest::requested},
      Field{"log_client_name", &DeliveryRequest::client_name},
      Field{"log_client_address", &DeliveryRequest::client_address},
      Field{"log_client_port", &DeliveryRequest::client_port},
      Field{"log_protocol_name", &DeliveryRequest::client_proto},
      Field{"log_helo_name", &DeliveryRequest::client_helo},
      Field{"sasl_method", &DeliveryRequest::sasl_method},
      Field{"sasl_username", &DeliveryRequest::sasl_username},
      Field{"sasl_sender", &DeliveryRequest::sasl_sender},
      Field{"log_ident", &DeliveryRequest::log_ident},
      Field{"rewrite_context", &DeliveryRequest::rewrite_context},
      Field{"recipients", &DeliveryRequest::recipients},
  };
};

struct DeliveryAnswer {
  bool all_done = false;        // every recipient is marked done in the file; else some stay for another try
  bool file_damaged = false;    // the content does not parse: no other try can do better
  std::string hop_status;       // "4.4.1" and so on when the next hop as a whole failed (qmgr throttles it), or empty
  std::string hop_reason;
  static constexpr auto fields =
      std::tuple{Field{"all_done", &DeliveryAnswer::all_done}, Field{"file_damaged", &DeliveryAnswer::file_damaged}, Field{"hop_status", &DeliveryAnswer::hop_status},
                 Field{"hop_reason", &DeliveryAnswer::hop_reason}};
};

struct Deliver {
  using Request = DeliveryRequest;
  using Answer = DeliveryAnswer;
  static constexpr std::chrono::seconds timeout{std::chrono::hours(24)};  // the agent has its own, shorter limits
  static constexpr bool repeats = false;  // an agent whose answer is lost may have delivered
};

}  // namespace ipc
