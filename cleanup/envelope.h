#pragma once
// Which records a client may send, where, and what is done with each: one table, so that "unknown or out of place" needs
// no thought anywhere else.

#include <array>
#include <optional>

#include "lib/queue/record.h"

namespace cleanup {

// The parts of a message, in order.
enum class Segment {
  envelope,   // up to M
  content,    // up to X
  extracted,  // up to E: what sendmail -t found in the header, and what filters add
  done,
};

enum class Treatment {
  refuse,      // the message is bad
  forbid,      // the message is bad, and someone may be trying something: pointers reach outside of the record's place
  copy,        // goes into the queue file as it is
  drop,        // has no meaning to cleanup: its own kind is written, or it tells of an earlier life of the message
  take_time, take_fullname, take_sender, take_recipient, take_original, take_warn_time, take_attribute, take_verp,
  take_dsn_ret, take_dsn_orcpt, take_dsn_notify, take_flags, start_content, take_content, end_content, finish,
};

[[nodiscard]] constexpr Treatment treatment(Segment segment, queue::RecordType type) {
  using queue::RecordType;
  using enum Treatment;
  struct Row {
    RecordType type;
    Treatment in_envelope, in_extracted;
  };
  constexpr std::array rows{
      Row{RecordType::size, drop, drop},
      Row{RecordType::time, take_time, refuse},
      Row{RecordType::create_time, drop, drop},
      Row{RecordType::fullname, take_fullname, refuse},
      Row{RecordType::inspector, copy, copy},
      Row{RecordType::filter, copy, copy},
      Row{RecordType::sender, take_sender, refuse},
      Row{RecordType::done, drop, drop},
      Row{RecordType::recipient, take_recipient, take_recipient},
      Row{RecordType::original_recipient, take_original, take_original},
      Row{RecordType::cancelled, drop, drop},
      Row{RecordType::warn_time, take_warn_time, refuse},
      Row{RecordType::attribute, take_attribute, take_attribute},
      Row{RecordType::killed, drop, drop},
      Row{RecordType::redirect, copy, copy},
      Row{RecordType::flags, take_flags, take_flags},
      Row{RecordType::message_start, start_content, refuse},
      Row{RecordType::return_receipt, refuse, copy},
      Row{RecordType::errors_to, refuse, copy},
      Row{RecordType::pointer, forbid, forbid},
      Row{RecordType::verp, take_verp, refuse},
      Row{RecordType::dsn_ret, take_dsn_ret, refuse},
      Row{RecordType::dsn_envid, copy, refuse},
      Row{RecordType::dsn_orcpt, take_dsn_orcpt, take_dsn_orcpt},
      Row{RecordType::dsn_notify, take_dsn_notify, take_dsn_notify},
      Row{RecordType::end, refuse, finish},
  };
  switch (segment) {
    case Segment::content:
      if (type == RecordType::normal || type == RecordType::continued) return take_content;
      return type == RecordType::extracted ? end_content : refuse;
    case Segment::done: return refuse;
    case Segment::envelope:
    case Segment::extracted: break;
  }
  for (const Row& row : rows) {
    if (row.type == type) return segment == Segment::envelope ? row.in_envelope : row.in_extracted;
  }
  return refuse;
}

static_assert(treatment(Segment::envelope, queue::RecordType::end) == Treatment::refuse);
static_assert(treatment(Segment::content, queue::RecordType::pointer) == Treatment::refuse);

[[nodiscard]] constexpr const char* name(Segment segment) {
  switch (segment) {
    case Segment::envelope: return "envelope";
    case Segment::content: return "message content";
    case Segment::extracted: return "extracted envelope";
    case Segment::done: break;
  }
  return "end";
}

}  // namespace cleanup
