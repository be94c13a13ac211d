#pragma once
// The messages of an open mailbox, their mod-sequences, and what has changed since somebody asked.

#include <cstdint>
#include <span>
#include <vector>

#include "lib/store/mailbox.h"

namespace store {

// Messages whose going is remembered; of older ones only the largest mod-sequence.
inline constexpr std::size_t gone_limit = 20'000;

struct Gone {
  Uid uid = 0;
  ModSeq modseq = 0;
};

class MessageList {
 public:
  // What an index knew. `gone_since`: of what went with a larger mod-sequence, all is in `gone`.
  struct Known {
    std::vector<Entry> entries;
    std::vector<Gone> gone;
    ModSeq highest = 0;
    ModSeq gone_since = 0;
    Uid uid_next = 1;
  };

  // Begins with nothing: all mod-sequences are from now on.
  void begin();
  void begin(Known known);
  // Everything may have changed since the index was written, and changed back: mod-sequences are from now on.
  void distrust();

  // The larger of the last + 1 and the microseconds since the epoch, so that one that was forgotten is never given again.
  ModSeq next_modseq();
  [[nodiscard]] ModSeq highest() const { return highest_; }
  [[nodiscard]] ModSeq gone_since() const { return gone_since_; }
  [[nodiscard]] const std::vector<Gone>& gone() const { return gone_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] const Entry* find(Uid uid) const;
  [[nodiscard]] std::size_t position(const Entry* entry) const { return static_cast<std::size_t>(entry - entries_.data()); }

  // The messages as they are now, in order of uid; mod-sequences are taken over or given. True: something changed.
  bool replace(std::vector<Entry> now);
  void set_flags(std::size_t position, Flags flags, ModSeq modseq);
  void add(Uid uid, Flags flags, ModSeq modseq);
  // In ascending order.
  void remove(std::span<const std::size_t> positions, ModSeq modseq);
  void clear_recent();

  [[nodiscard]] std::vector<UidRange> vanished_since(ModSeq since, Uid uid_next) const;

  // Of one refresh to the next.
  [[nodiscard]] Changes take_changes();
  void note_keywords() { pending_.keywords = true; }
  void note_reset();

 private:
  void trim_gone();
  std::vector<Entry> entries_;
  std::vector<Gone> gone_;  // in order of mod-sequence
  ModSeq highest_ = 0, gone_since_ = 0;
  Changes pending_;         // may name a uid twice until it is taken
};

}  // namespace store
