#pragma once
// smtpd, pickup, local and bounce hand a message to cleanup(8), the only door into the queue.
//
// The conversation, on one connection, as often as wished:
//   client: OpenMessage            server: MessageOpened (queue_id)
//   client: the message as queue records (lib/queue/record.h: envelope, M, N/L..., X, extracted, E)
//   client, where it has milters that know the message (CleanupFlags::own_milters): in place of E a record of type m with their
//   number, and that many times:
//     client: milter::Handover        server: milter::HandoverTaken
//   and then E.
//   server: MessageClosed, after the file and its directory are on disk (status ok), or after it is gone (any other)
// A client that closes before E abandons the message. One whose connection ends between E and MessageClosed asks the next
// cleanup process what has become of it:
//   client: OpenMessage (lost_id)   server: MessageClosed: ok when the message is on disk

#include "lib/ipc/message.h"

namespace ipc {

// What cleanup is asked to do with the message; a sum of bits.
enum class CleanupFlags : unsigned {
  none = 0,
  bounce = 1,             // return an undeliverable message to its sender here (pickup), do not just report it
  filter = 2,             // apply header and body checks
  map = 4,                // apply canonical and virtual alias mappings; automatic copies unless it is internal
  smtputf8 = 8,           // the client asked for SMTPUTF8
  internal = 16,          // made by the suite itself: a notice, a forwarded message
  autodetect_smtputf8 = 32,  // smtputf8_autodetect_classes: what has UTF-8 in its addresses or header needs SMTPUTF8
  milters = 64,           // ask non_smtpd_milters, which have heard nothing of it yet
  own_milters = 128,      // the client has asked milters of its own, and hands them over
  tls_required = 256,     // the client asked for REQUIRETLS
};
[[nodiscard]] constexpr CleanupFlags operator|(CleanupFlags a, CleanupFlags b) {
  return static_cast<CleanupFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(CleanupFlags set, CleanupFlags flag) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(flag)) != 0;
}

// What is told in the message itself, in a record of the type `flags`: the numbers are Postfix's.
enum class MessageFlags : unsigned {
  none = 0,
  hold = 4,     // it waits in hold/ for the administrator
  discard = 8,  // it is taken, and nobody gets it
};
[[nodiscard]] constexpr MessageFlags operator|(MessageFlags a, MessageFlags b) {
  return static_cast<MessageFlags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(MessageFlags set, MessageFlags flag) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(flag)) != 0;
}

struct OpenMessage {
  CleanupFlags flags = CleanupFlags::none;
  std::string lost_id;   // not empty: no message, the outcome of this one is asked for
  static constexpr auto fields = std::tuple{Field{"flags", &OpenMessage::flags}, Field{"lost_id", &OpenMessage::lost_id}};
};
struct MessageOpened {
  std::string queue_id;  // empty: the queue cannot be written (full disk): answer 452 and go on
  std::string reason;    // why, for the log
  static constexpr auto fields =
      std::tuple{Field{"queue_id", &MessageOpened::queue_id}, Field{"reason", &MessageOpened::reason}};
};

// Why a message was not taken; smtpd has a reply for each. Ordered: when several are true the lowest non-ok counts.
enum class CleanupStatus {
  ok,          // it is on disk
  bad,         // internal protocol error
  write,       // queue file write error (4xx)
  space,       // out of space (452)
  defer,       // try again later: a table could not be read, or a rule says DEFER
  size,        // larger than message_size_limit
  content,     // a header or body check refused it
  hops,        // too many Received: headers
  recipients,  // no recipients
  nobody_home, // a proxy or milter is gone
};
struct MessageClosed {
  CleanupStatus status = CleanupStatus::ok;
  std::string reason;  // reply text where a rule gave one ("5.7.1 text"), else empty
  std::string reply{}; // the whole reply where a milter gave one, each line with its code ("554-5.7.1 a\r\n554 5.7.1 b"), else empty
  static constexpr auto fields = std::tuple{Field{"status", &MessageClosed::status}, Field{"reason", &MessageClosed::reason},
                                            Field{"reply", &MessageClosed::reply}};
};

inline constexpr std::string_view cleanup_socket = "public/cleanup";

struct AskLostOutcome {
  using Request = OpenMessage;
  using Answer = MessageClosed;
  static constexpr std::chrono::seconds timeout{30};
};

}  // namespace ipc
