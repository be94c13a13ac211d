#pragma once
// What the mailboxes of one account share.

#include <functional>
#include <string>

#include "lib/mailbox/dotlock.h"
#include "lib/store/quota.h"

namespace store {

struct Surroundings {
  std::string host;
  std::function<void()> yield;
  std::function<void(std::size_t done)> progress;
  mailbox::LockHolder self;
  Quota* quota = nullptr;

  void pause() const {
    if (yield) yield();
  }
  // The same where messages are worked on, of which so many are done.
  void went(std::size_t done) const {
    pause();
    if (progress) progress(done);
  }
};

// Who waits for a lock keeps all sessions of his process waiting. Dovecot calls a lock stale after two minutes.
inline constexpr mailbox::LockPatience lock_patience{.attempts = 30, .delay = std::chrono::seconds(1), .stale = std::chrono::seconds(120)};

}  // namespace store
