#pragma once
// A message in the active queue: what is known of its envelope, and how much of it is under way. It lives as long as a
// batch of its recipients waits or runs; when the last one is answered, the manager completes it.

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/queue/id.h"
#include "lib/queue/message.h"

namespace qmgr {

class ActiveMessage {
 public:
  ActiveMessage(queue::QueueId id, queue::Message envelope, Stamp activated)
      : id_(std::move(id)), envelope_(std::move(envelope)), activated_(activated) {}

  [[nodiscard]] const queue::QueueId& id() const { return id_; }
  [[nodiscard]] const queue::Message& envelope() const { return envelope_; }
  [[nodiscard]] Stamp activated() const { return activated_; }

  // Batches that wait or run.
  void batch_added() { ++under_way_; }
  // True when that was the last one.
  [[nodiscard]] bool batch_ended() { return --under_way_ == 0; }

  // postsuper -e: it goes back to its sender without another try.
  void force_expire() { force_expired_ = true; }
  [[nodiscard]] bool is_force_expired() const { return force_expired_; }

  // Somebody has asked for this message: dead destinations are tried too.
  void demand() { demanded_ = true; }
  [[nodiscard]] bool is_demanded() const { return demanded_; }

  // Some recipient stays for another try.
  void defer() { deferred_ = true; }
  [[nodiscard]] bool is_deferred() const { return deferred_; }

  // An agent found that the content does not parse.
  void damaged() { damaged_ = true; }
  [[nodiscard]] bool is_damaged() const { return damaged_; }

  // Where in the queue file the recipients not yet read begin; 0 when all are read.
  [[nodiscard]] std::int64_t unread_recipients() const { return envelope_.more_recipients; }
  void set_unread_recipients(std::int64_t offset) { envelope_.more_recipients = offset; }

  // An agent died over it: what is done is read again from the file.
  void try_again() { again_ = true; }
  [[nodiscard]] bool is_tried_again() const { return again_; }

 private:
  queue::QueueId id_;
  queue::Message envelope_;
  Stamp activated_;
  int under_way_ = 0;
  bool demanded_ = false;
  bool deferred_ = false;
  bool again_ = false;
  bool damaged_ = false;
  bool force_expired_ = false;
};

}  // namespace qmgr
