#pragma once
// A Maildir as a Mailbox, with Dovecot's files beside it (README.md).
//
// Who may change what, and when:
// - a message's file is the message; its name says its flags. Anybody may rename or remove it at any moment.
// - dovecot-uidlist gives it its UID. It is changed under dovecot-uidlist.lock only, by appending whole lines, or replaced.
//   A UID is on disk (fdatasync) before anybody hears of it, and before a message that is added gets its name.
// - valija.index is only a cache.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/store/account.h"
#include "lib/store/cache_file.h"
#include "lib/store/folder.h"
#include "lib/store/index_file.h"
#include "lib/store/keyword_files.h"
#include "lib/store/maildir_scan.h"
#include "lib/store/message_list.h"
#include "lib/store/surroundings.h"
#include "lib/store/uidlist.h"
#include "lib/store/watch.h"

namespace store {

inline constexpr const char* uidlist_file = "dovecot-uidlist";

// Makes a Maildir's three directories; and "maildirfolder", by which a delivery agent knows that it is not the whole account.
[[nodiscard]] Result<void> make_maildir(const Places& places);

class Maildir final : public Mailbox {
 public:
  // ENOENT: there is none.
  [[nodiscard]] static Result<std::unique_ptr<Maildir>> open(Places places, Access access, const Surroundings& around);
  ~Maildir() override;

  bool is_read_only() const override { return access_ == Access::read_only; }
  std::uint32_t uid_validity() const override { return uid_validity_; }
  Uid uid_next() const override { return uid_next_; }
  ModSeq highest_modseq() const override { return list_.highest(); }
  std::string_view mailbox_id() const override { return mailbox_id_; }
  const std::vector<std::string>& keywords() const override { return keyword_files_.names; }
  Result<std::uint64_t> keyword_bits(std::span<const std::string> names, NewKeywords what) override;

  Result<Changes> refresh() override;
  std::span<const Entry> entries() const override { return list_.entries(); }
  const Entry* find(Uid uid) const override { return list_.find(uid); }

  Result<Message> open(Uid uid) override;
  Result<Facts> facts(Uid uid) override;
  std::string pop3_uidl(Uid uid) override;
  std::uint32_t pop3_order(Uid uid) override;
  std::string base_name(Uid uid) override;

  Result<StoreResult> store(std::span<const Uid> uids, FlagChange how, Flags what, std::optional<ModSeq> unchanged_since) override;
  Result<std::vector<Uid>> expunge(std::span<const Uid> uids) override;
  Result<std::unique_ptr<Append>> append() override;
  Result<CopiedUids> copy(std::span<const Uid> uids, Mailbox& target) override;
  Result<CopiedUids> move(std::span<const Uid> uids, Mailbox& target) override;
  std::vector<UidRange> vanished_since(ModSeq since) const override { return list_.vanished_since(since, uid_next_); }
  std::optional<std::string_view> cached(Uid uid) override;
  void cache(Uid uid, std::string_view bytes) override;
  int watch_fd() override;

 private:
  friend class MaildirAppend;
  friend class MaildirTransfer;

  static constexpr std::uint64_t unknown_size = UINT64_MAX;
  static constexpr std::int64_t unknown_date = INT64_MIN;

  // Of each entry, in the same order. Kept in the index as it is.
  struct Row {
    std::uint64_t wire_size = unknown_size;
    std::int64_t internal_date = unknown_date;  // seconds
    std::int64_t save_date = unknown_date;
    std::uint32_t name = 0;                     // offset in names_
    std::uint8_t name_size = 0, base_size = 0;
    std::uint8_t in_new = 0, unused = 0;
    std::uint32_t cached = 0;                   // CacheFile's place; 0: nothing
    std::uint32_t unused_too = 0;
  };
  static_assert(sizeof(Row) == 40);

  // Changes of the uidlist are made by one who holds this.
  struct UidlistLock {
    mailbox::Dotlock dotlock;
  };
  // What a new line of the uidlist needs, without reading all of it.
  struct UidlistEnd {
    FileMark mark;
    std::uint32_t validity = 0;
    Uid next = 0;
  };
  struct NewLine {
    Uid uid = 0;
    std::string_view base;
  };

  Maildir(Places places, Access access, const Surroundings& around) : places_(std::move(places)), access_(access), around_(around) {}

  // maildir.cc
  Result<void> open_directories();
  void load_index();
  void save_index();
  void write_cached();
  [[nodiscard]] bool load_rows();       // false: the index was damaged; all has been read anew
  void about_to_change();               // the index on disk is about to be out of date
  [[nodiscard]] std::string_view name_of(const Row& row) const { return std::string_view(names_).substr(row.name, row.name_size); }
  [[nodiscard]] std::string_view base_of(const Row& row) const { return std::string_view(names_).substr(row.name, row.base_size); }
  void set_name(Row& row, std::string_view name, bool in_new);
  [[nodiscard]] const Fd& directory_of(const Row& row) const { return row.in_new != 0 ? fresh_ : cur_; }
  [[nodiscard]] Row* row_of(Uid uid);   // null: no such message
  [[nodiscard]] Flags flags_of(std::string_view name, Uid uid) const;

  // maildir_sync.cc
  [[nodiscard]] bool is_up_to_date() const;
  [[nodiscard]] bool has_unknown_new() const;
  Result<void> sync();
  Result<void> look_again();            // the same, whatever the directories' times say: a file is not where it was
  Result<void> merge(MaildirScan& scan, const Uidlist& list);
  Result<MaildirScan> look();
  Result<void> mend_doubles(MaildirScan& scan);
  Result<Uidlist> name_strangers(MaildirScan& scan);
  Result<void> take_new();
  void note_own_change();
  [[nodiscard]] static std::shared_ptr<std::uint64_t> shared_changes(const Fd& directory);
  Result<void> read_keywords();

  // maildir_uidlist.cc
  Result<UidlistLock> lock_uidlist() const;
  Result<std::optional<Uidlist>> read_uidlist();
  Result<void> write_uidlist(const Uidlist& list, std::span<const NewLine> more);
  Result<void> append_to_uidlist(std::span<const NewLine> lines);
  [[nodiscard]] bool is_current(const UidlistEnd& end);  // nothing is there that the list does not have
  Result<UidlistEnd> end_of_uidlist();  // under the lock; makes the file when it is missing
  Result<void> trim_uidlist();

  // maildir_takeover.cc
  Result<Uidlist> first_uidlist();      // under the lock, which is kept until it is written; files are renamed
  Result<void> take_keywords(const Uidlist& list, MaildirScan& scan);
  Result<void> add_letters(const std::map<std::string_view, std::uint64_t>& letters);  // by base name

  // maildir_store.cc
  Result<bool> rename_flags(std::size_t position, Flags flags);  // false: the file is gone
  void forget(std::span<const std::size_t> positions);           // messages that are gone now; in ascending order
  // A message that is there now, behind all others.
  struct Adopted {
    Uid uid = 0;
    std::string name;  // in cur/
    Flags flags;
    Row row;
  };
  // Of one who has just added these. To a mailbox that `was_current`: it spares the next refresh looking at all.
  void take_own(bool was_current, std::span<const Adopted> messages);
  void adopt(std::span<const Adopted> messages);
  Result<void> save_more_keywords(std::span<const std::pair<Uid, std::uint64_t>> bits);

  Places places_;
  Access access_;
  const Surroundings& around_;
  Fd directory_, cur_, fresh_, drafts_, control_, index_;

  std::uint32_t uid_validity_ = 0;
  Uid uid_next_ = 1;
  std::string mailbox_id_;
  KeywordFiles keyword_files_;
  MessageList list_;
  std::vector<Row> rows_;
  std::string names_;
  std::size_t names_wasted_ = 0;
  std::optional<IndexFile> unread_rows_;    // rows_ and names_ are still there
  std::set<Uid> own_;                       // that were added by this Mailbox, and that the next look will find: recent, too
  bool dirty_ = false;                      // the index is to be written
  OpenMark open_mark_;

  enum Mark : std::size_t { mark_cur, mark_new, mark_uidlist, mark_letters, mark_more, mark_count };
  std::array<FileMark, mark_count> marks_{};
  bool unsettled_ = false;                  // changed so shortly before we looked that more may have come without a trace
  bool own_change_ = false;                 // the same, since we ourselves changed it
  bool is_only_new_ = false;                // the last look was at new/ alone
  std::shared_ptr<std::uint64_t> changes_;  // made in this process, by whoever has it open
  std::uint64_t changes_seen_ = 0;
  std::chrono::steady_clock::time_point synced_{};
  std::chrono::steady_clock::duration sync_cost_{};
  std::optional<Uidlist> pop3_list_;
  CacheFile cache_file_;
  Watch watch_;
};

// A base name that no other file has.
[[nodiscard]] std::string new_base_name(std::string_view host);

}  // namespace store
