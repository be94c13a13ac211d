#pragma once
// An mbox file as a Mailbox. UIDs and flags are in the messages' headers, as Dovecot writes them (mbox_parse.h).
//
// Everything that changes the file is done under its dotlock (where its directory lets us) and an fcntl lock, by
// mbox_rewrite.h's order; only a header whose size stays is written in place. valija-mbox in the control directory has what an
// empty file cannot keep (UIDVALIDITY, the next UID, the mailbox's id); a first message from outside that brings an X-IMAPbase
// of its own is not believed against it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/mailbox/dotlock.h"
#include "lib/store/account.h"
#include "lib/store/cache_file.h"
#include "lib/store/folder.h"
#include "lib/store/index_file.h"
#include "lib/store/mbox_parse.h"
#include "lib/store/message_list.h"
#include "lib/store/surroundings.h"
#include "lib/store/watch.h"

namespace store {

inline constexpr std::uint64_t mbox_size_max = std::uint64_t{1} << 33;

class Mbox final : public Mailbox {
 public:
  // ENOENT: there is none; but INBOX is made, or is empty where it cannot be.
  [[nodiscard]] static Result<std::unique_ptr<Mbox>> open(Places places, Access access, bool is_inbox, const Surroundings& around);
  ~Mbox() override;

  bool is_read_only() const override { return access_ == Access::read_only; }
  std::uint32_t uid_validity() const override { return uid_validity_; }
  Uid uid_next() const override { return uid_next_; }
  ModSeq highest_modseq() const override { return list_.highest(); }
  std::string_view mailbox_id() const override { return mailbox_id_; }
  const std::vector<std::string>& keywords() const override { return keywords_; }
  Result<std::uint64_t> keyword_bits(std::span<const std::string> names, NewKeywords what) override;
  Result<Changes> refresh() override;
  std::span<const Entry> entries() const override { return list_.entries(); }
  const Entry* find(Uid uid) const override { return list_.find(uid); }
  Result<Message> open(Uid uid) override;
  Result<Facts> facts(Uid uid) override;
  std::string pop3_uidl(Uid) override { return {}; }
  std::uint32_t pop3_order(Uid) override { return 0; }
  std::string base_name(Uid) override { return {}; }
  Result<StoreResult> store(std::span<const Uid> uids, FlagChange how, Flags what, std::optional<ModSeq> unchanged_since) override;
  Result<std::vector<Uid>> expunge(std::span<const Uid> uids) override;
  Result<std::unique_ptr<Append>> append() override;
  Result<CopiedUids> copy(std::span<const Uid> uids, Mailbox& target) override;
  Result<CopiedUids> move(std::span<const Uid> uids, Mailbox& target) override;
  std::vector<UidRange> vanished_since(ModSeq since) const override { return list_.vanished_since(since, uid_next_); }
  std::optional<std::string_view> cached(Uid uid) override;
  void cache(Uid uid, std::string_view bytes) override;
  int watch_fd() override;

  struct NewMessage {
    std::string text;  // with LF
    Flags flags;
    std::int64_t date = 0;
  };
  // The durable step of an append.
  [[nodiscard]] Result<std::vector<Uid>> add(const std::vector<NewMessage>& messages);

 private:
  static constexpr std::uint64_t unknown_size = UINT64_MAX;
  struct Row {
    std::uint64_t begin = 0, header = 0, body = 0, end = 0, next = 0;
    std::uint64_t wire_size = unknown_size;
    std::int64_t date = 0;
    std::uint32_t cached = 0, is_old = 0;
  };
  struct Locked {
    mailbox::Dotlock dotlock;
    Fd lock;              // a description of its own: the fcntl lock ends with it
  };

  Mbox(Places places, Access access, const Surroundings& around) : places_(std::move(places)), wanted_(access), access_(access), around_(around) {}
  Result<void> open_file(bool is_inbox);
  Result<void> look_for_file();   // there may be one by now
  Result<void> read_state();
  Result<void> write_state();
  void load_index();
  void save_index();
  void write_cached();
  void about_to_change();
  [[nodiscard]] std::string own_path() const;
  Result<Locked> lock();
  // Under the lock: reads the file if it changed.
  Result<void> sync();
  Result<void> merge(MboxText& parsed, std::string_view text);
  Result<void> give_uids(MboxText& parsed, std::string& text);
  // The file from the message at this place in the file's order on, with these left out.
  Result<void> rewrite_from(std::uint64_t offset, const std::string& text, const MboxText& parsed, const std::vector<bool>& kept);
  [[nodiscard]] MboxState state_of(const MboxMessage& message, bool is_first) const;
  Result<std::string> read_text() const;
  Result<std::string> read_range(std::uint64_t from, std::uint64_t to) const;
  [[nodiscard]] std::vector<std::string> names_of(std::uint64_t bits) const;
  [[nodiscard]] std::uint64_t bits_of(const std::vector<std::string>& names);
  [[nodiscard]] Row* row_of(Uid uid);

  Places places_;
  Access wanted_, access_;          // asked for, and had: of a file that is not there yet nothing can be written
  const Surroundings& around_;
  Fd directory_, file_, control_, index_;
  std::string name_;                // in directory_
  std::uint32_t uid_validity_ = 0;
  Uid uid_next_ = 1;
  std::string mailbox_id_;
  Uid kept_next_ = 1;               // as valija-mbox says, as is what follows
  bool was_empty_ = true;
  bool has_state_ = false;
  std::vector<std::string> keywords_;
  MessageList list_;
  std::vector<Row> rows_;           // of each entry
  FileMark mark_;
  bool unsettled_ = false, dirty_ = false;
  OpenMark open_mark_;
  CacheFile cache_file_;
  Watch watch_;
};

class MboxAppend final : public Append {
 public:
  explicit MboxAppend(Mbox& target) : target_(target) {}
  Result<void> begin(Flags flags, std::optional<Stamp> internal_date) override;
  Result<void> write(std::string_view bytes) override;
  Result<std::vector<Uid>> commit() override;

 private:
  void finish();
  Mbox& target_;
  std::vector<Mbox::NewMessage> messages_;
  std::size_t size_ = 0;
  bool ends_with_cr_ = false;
};

}  // namespace store
