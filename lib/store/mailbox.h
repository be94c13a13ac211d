#pragma once
// One mailbox as clients read it: messages in the order of their UIDs. The files are the truth and others change them at any
// moment; a Mailbox is what was there at its last refresh().
//
// Blocking calls. Where much is to be done the account's yield callback is called; it may run other sessions, but none
// may call into this same Mailbox meanwhile: whoever shares one holds a lock of his own around each call. No call leaves a
// file lock behind or yields under one.
//
// Errors have an errno by which a protocol's answer is chosen: ENOENT the message or mailbox is gone, EACCES and EROFS may
// not, EDQUOT and ENOSPC full, EAGAIN somebody else keeps the lock, EINVAL no such name.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/store/flags.h"
#include "lib/store/quota.h"

namespace store {

using Uid = std::uint32_t;
using ModSeq = std::uint64_t;  // below 2^63 (RFC 7162)

struct Entry {
  Uid uid = 0;
  Flags flags;
  ModSeq modseq = 0;
};

// From first to last, both in it.
struct UidRange {
  Uid first = 0, last = 0;
  bool operator==(const UidRange&) const = default;
};

// What a refresh, or one's own operation since the last, has changed. Each in order of uid; no uid is in two of them.
struct Changes {
  bool reset = false;              // UIDVALIDITY is another: everything known before is void
  bool keywords = false;           // there are new keywords
  std::vector<Uid> vanished;
  std::vector<Uid> changed;        // flags
  std::vector<Uid> arrived;
  [[nodiscard]] bool none() const { return !reset && !keywords && vanished.empty() && changed.empty() && arrived.empty(); }
};

// A message's bytes as they are on disk, with LF or CRLF at the ends of lines (lib/message makes CRLF of them). They stay valid
// for the life of this object, whatever happens to the file's name.
class Message {
 public:
  Message() = default;
  // Bytes that are mapped (unmapped at the end) or owned.
  static Result<Message> map(int fd, std::uint64_t offset, std::uint64_t size, const std::string& path);
  static Message own(std::string text);
  Message(Message&& other) noexcept { *this = std::move(other); }
  Message& operator=(Message&& other) noexcept;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message();
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  void* map_ = nullptr;
  std::size_t map_size_ = 0;
  std::string owned_;
  std::string_view text_;
};

struct Facts {
  std::uint64_t size = 0;       // RFC822.SIZE: with CRLF at the end of each line
  Stamp internal_date{};
  Stamp save_date{};            // when it came into this mailbox (RFC 8514), as far as it is known
};

struct StoreResult {
  std::vector<Uid> changed;     // whose flags are now others than before
  std::vector<Uid> modified;    // left alone, since they changed after `unchanged_since`
  std::vector<Uid> gone;        // others have removed them
};

struct CopiedUids {
  std::uint32_t uid_validity = 0;                // of the target
  std::vector<std::pair<Uid, Uid>> pairs;        // source, target; in order of source
};

// Messages being added: all of them, or none. What is not committed goes away with this object.
class Append {
 public:
  Append() = default;
  Append(const Append&) = delete;
  Append& operator=(const Append&) = delete;
  virtual ~Append() = default;
  // The next message. Without a date it is now. Flags: bits of the target mailbox.
  [[nodiscard]] virtual Result<void> begin(Flags flags, std::optional<Stamp> internal_date) = 0;
  // Its bytes, in pieces as they come. CRLF is stored as LF, like Dovecot does.
  [[nodiscard]] virtual Result<void> write(std::string_view bytes) = 0;
  // The durable step: afterwards the messages are on disk, with these UIDs.
  [[nodiscard]] virtual Result<std::vector<Uid>> commit() = 0;
  // What the caller removes as soon as these are there (REPLACE): the quota does not count both.
  void in_place_of(QuotaUse freed) { freed_ = freed; }

 protected:
  QuotaUse freed_;
};

class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  // What the index keeps is written.
  virtual ~Mailbox() = default;

  [[nodiscard]] virtual bool is_read_only() const = 0;
  [[nodiscard]] virtual std::uint32_t uid_validity() const = 0;
  [[nodiscard]] virtual Uid uid_next() const = 0;
  [[nodiscard]] virtual ModSeq highest_modseq() const = 0;
  // 32 hexadecimal digits, the same for the mailbox's life and after a rename (RFC 8474, MAILBOXID).
  [[nodiscard]] virtual std::string_view mailbox_id() const = 0;
  // By bit; a name that is empty is free.
  [[nodiscard]] virtual const std::vector<std::string>& keywords() const = 0;
  // Bits of these names, any case. Those that are new are added (and noted on disk) if `add`, else left out.
  enum class NewKeywords : std::uint8_t { add, ignore };
  [[nodiscard]] virtual Result<std::uint64_t> keyword_bits(std::span<const std::string> names, NewKeywords what) = 0;

  // Looks at the disk; cheap when nothing has changed. Tells all that changed since the last refresh, also by calls here.
  [[nodiscard]] virtual Result<Changes> refresh() = 0;
  // In order of uid. Valid until the next call that is not const.
  [[nodiscard]] virtual std::span<const Entry> entries() const = 0;
  [[nodiscard]] virtual const Entry* find(Uid uid) const = 0;

  // A file that others renamed is found again.
  [[nodiscard]] virtual Result<Message> open(Uid uid) = 0;
  // From the index or the file's name if they have it; else the file is looked at.
  [[nodiscard]] virtual Result<Facts> facts(Uid uid) = 0;
  // POP3's unique id, as the software that made the mailbox gave it; empty: none was kept, and the server makes one.
  [[nodiscard]] virtual std::string pop3_uidl(Uid uid) = 0;
  // The part of the name of its file that never changes; empty where messages have no files of their own.
  [[nodiscard]] virtual std::string base_name(Uid uid) = 0;
  // 0: none. POP3 shows messages with an order first, in that order.
  [[nodiscard]] virtual std::uint32_t pop3_order(Uid uid) = 0;

  // UIDs are in ascending order; those that do not exist are passed over.
  [[nodiscard]] virtual Result<StoreResult> store(std::span<const Uid> uids, FlagChange how, Flags what,
                                                  std::optional<ModSeq> unchanged_since = {}) = 0;
  // Removes the messages, whatever their flags. Returns those that are gone now.
  [[nodiscard]] virtual Result<std::vector<Uid>> expunge(std::span<const Uid> uids) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Append>> append() = 0;
  // All or none. The target may be this same mailbox. Keywords go by name.
  [[nodiscard]] virtual Result<CopiedUids> copy(std::span<const Uid> uids, Mailbox& target) = 0;
  // Each message is in one of the two, or after a crash in both; never in none.
  [[nodiscard]] virtual Result<CopiedUids> move(std::span<const Uid> uids, Mailbox& target) = 0;

  // UIDs that are gone and whose going has a larger mod-sequence (RFC 7162 section 3.2.6). When that is not known any more:
  // all that are not there, which the RFC allows.
  [[nodiscard]] virtual std::vector<UidRange> vanished_since(ModSeq since) const = 0;

  // What a session worked out about a message, kept in the index (envelope, structure, what it is sorted by): at most `cached_size_max`.
  // The bytes live until the next call.
  [[nodiscard]] virtual std::optional<std::string_view> cached(Uid uid) = 0;
  virtual void cache(Uid uid, std::string_view bytes) = 0;
  static constexpr std::size_t cached_size_max = 64 * 1024;

  // Becomes readable when the mailbox may have changed: for IDLE. Opened at the first call, -1 where it cannot be. Read it
  // empty by refresh().
  [[nodiscard]] virtual int watch_fd() = 0;
};

}  // namespace store
