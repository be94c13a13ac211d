#pragma once
// Adding messages to a Maildir: by writing them, or by giving the files of another Maildir a second (or another) name.

#include <memory>
#include <string>
#include <vector>

#include "lib/mailbox/maildir_draft.h"
#include "lib/store/file_name.h"
#include "lib/store/maildir.h"

namespace store {

// The durable order, in MaildirAppend::commit:
//   1. each message is whole in tmp/, and its bytes are on disk
//   2. under dovecot-uidlist.lock: the UIDs are in dovecot-uidlist, and on disk
//   3. each file gets its name in cur/, then cur/ is synced
// A crash before 3 leaves UIDs that nobody has, which is allowed, and files in tmp/ that are nobody's. When one of several
// cannot get its name, those that have got one are removed again.
class MaildirAppend final : public Append {
 public:
  explicit MaildirAppend(Maildir& target) : target_(target) {}
  Result<void> begin(Flags flags, std::optional<Stamp> internal_date) override;
  Result<void> write(std::string_view bytes) override;
  Result<std::vector<Uid>> commit() override;

 private:
  struct Draft {
    mailbox::MaildirDraft file;   // open while it is written
    std::string base;             // in cur/, when it is whole
    Flags flags;
    std::optional<Stamp> date;
    [[nodiscard]] std::string name() const { return file_name(base, {flags.system, flags.keywords & letter_bits}); }
  };
  [[nodiscard]] Result<void> finish_draft();
  [[nodiscard]] Result<void> flush();

  Maildir& target_;
  std::vector<Draft> drafts_;
  std::string buffer_;
  bool ends_with_cr_ = false;
};

// How files of one Maildir come into another (or the same).
class MaildirTransfer {
 public:
  enum class How : std::uint8_t { link, rename };
  MaildirTransfer(Maildir& source, Maildir& target, How how) : source_(source), target_(target), how_(how) {}
  // EXDEV, EMLINK and EPERM: the file system cannot; nothing has been done.
  [[nodiscard]] Result<CopiedUids> run(std::span<const Uid> uids);

 private:
  struct Item {
    Uid uid = 0, new_uid = 0;
    Flags flags;
    std::string base, name;
    std::uint64_t size = 0;
    Maildir::Row row;
  };
  [[nodiscard]] Result<std::vector<Item>> prepare(std::span<const Uid> uids);
  [[nodiscard]] Result<void> give_names(std::vector<Item>& items);
  Maildir& source_;
  Maildir& target_;
  How how_;
};

}  // namespace store
