#pragma once
// A message in the active queue: what is known of its envelope, and how much of it is under way. It lives as long as a
// batch of its recipients waits or runs; when the last one is answered, the manager completes it.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/queue/id.h"
#include "lib/queue/message.h"

namespace qmgr {

// Why a message enters the active queue.
enum class Why {
  taken_in,   // cleanup has just taken it in: nobody has tried it before
  due,        // its time has come, or a scan has found it, and it may have been tried
  flushed,    // somebody wants all mail tried (postqueue -f): that of defer_transports, too
  demanded,   // somebody has asked for this message (postqueue -i, ETRN): the same, and dead destinations are tried
};

class ActiveMessage : public std::enable_shared_from_this<ActiveMessage> {
 public:
  // `number`: messages are served in this order.
  ActiveMessage(queue::QueueId id, queue::Message envelope, Stamp activated, std::uint64_t number, Why why)
      : id_(std::move(id)), envelope_(std::move(envelope)), activated_(activated), number_(number), why_(why) {}

  [[nodiscard]] const queue::QueueId& id() const { return id_; }
  [[nodiscard]] const queue::Message& envelope() const { return envelope_; }
  [[nodiscard]] Stamp activated() const { return activated_; }

  [[nodiscard]] std::uint64_t number() const { return number_; }

  // Batches that wait or run.
  void batch_added() { ++under_way_; }
  // True when that was the last one.
  [[nodiscard]] bool batch_ended() { return --under_way_ == 0; }

  // A message of verify(8), which nobody is to have.
  [[nodiscard]] bool is_probe() const { return (envelope_.trace_flags & queue::trace_probe) != 0; }

  [[nodiscard]] bool is_under_way() const { return under_way_ > 0; }

  // postsuper -e: it goes back to its sender without another try.
  void force_expire() { force_expired_ = true; }
  [[nodiscard]] bool is_force_expired() const { return force_expired_; }

  [[nodiscard]] Why why() const { return why_; }

  // Some recipient stays for another try.
  void defer() { deferred_ = true; }
  [[nodiscard]] bool is_deferred() const { return deferred_; }

  // An agent found that the content does not parse.
  void damaged() { damaged_ = true; }
  [[nodiscard]] bool is_damaged() const { return damaged_; }

  // Where in the queue file the recipients not yet read begin; 0 when all are read.
  [[nodiscard]] std::int64_t unread_recipients() const { return envelope_.more_recipients; }
  // How many these are at most: some may be done since an earlier try.
  [[nodiscard]] std::size_t unread_count() const {
    const auto counted = static_cast<std::size_t>(envelope_.recipient_count);
    return unread_recipients() == 0 ? 0 : std::max<std::size_t>(1, counted > read_ ? counted - read_ : 0);
  }
  // So many have been read, the next ones are there.
  void has_read(std::size_t recipients, std::int64_t next, Deadline now) {
    read_ += recipients;
    envelope_.more_recipients = next;
    read_at_ = now;
  }
  [[nodiscard]] Deadline read_at() const { return read_at_; }
  // While the next ones are being read.
  [[nodiscard]] bool is_reading() const { return reading_; }
  void set_reading(bool reading) { reading_ = reading; }

  // An agent died over it: what is done is read again from the file.
  void try_again() { again_ = true; }
  [[nodiscard]] bool is_tried_again() const { return again_; }

 private:
  queue::QueueId id_;
  queue::Message envelope_;
  Stamp activated_;
  std::uint64_t number_;
  Why why_;
  std::size_t read_ = 0;
  Deadline read_at_{};
  int under_way_ = 0;
  bool reading_ = false;
  bool deferred_ = false;
  bool again_ = false;
  bool damaged_ = false;
  bool force_expired_ = false;
};

}  // namespace qmgr
