#pragma once
// All mailboxes of one user: their tree, subscriptions and special uses. It runs as that user.
//
// Names are UTF-8, with Location::separator() between levels (names.h). Namespaces' prefixes are not known here.
// Errors: see mailbox.h; EEXIST the mailbox exists, ENOTEMPTY it has children, ENOTDIR the name can have no children.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/store/folder.h"
#include "lib/store/location.h"
#include "lib/store/mailbox.h"
#include "lib/store/quota.h"
#include "lib/store/special_use.h"
#include "lib/store/surroundings.h"

namespace store {

struct Listed {
  std::string name;
  bool selectable = true;     // else \Noselect: there are only mailboxes below it
  bool has_children = false;
  bool no_inferiors = false;  // a file, in an mbox tree
  bool subscribed = false;
  std::uint8_t special = 0;
};

struct Status {
  std::uint32_t messages = 0, unseen = 0, deleted = 0, recent = 0;
  std::uint32_t uid_validity = 0;
  Uid uid_next = 0;
  ModSeq highest_modseq = 0;
  std::uint64_t size = 0;     // 0 unless asked for
  std::uint64_t deleted_size = 0;   // likewise; of those with \Deleted
  std::string mailbox_id;
};

enum class Access : std::uint8_t { read_only, read_write };

struct AccountOptions {
  std::string host = "localhost";               // $myhostname, the end of file names
  std::vector<SpecialFolder> special_folders;   // made by make_special_folders()
  std::optional<QuotaLimit> quota;              // none: the one in maildirsize holds
  std::function<void()> yield;                  // called in long work, outside of locks
  std::function<void(std::size_t done)> progress;   // the same, while many messages are copied: so many are
};

class Account {
 public:
  // Makes the root and INBOX if they are missing.
  [[nodiscard]] static Result<std::unique_ptr<Account>> open(Location location, AccountOptions options);
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;
  ~Account();

  [[nodiscard]] const Location& location() const { return location_; }
  [[nodiscard]] Quota& quota() { return quota_; }

  // INBOX first, then in order of name; parents that are no mailbox are listed too.
  [[nodiscard]] Result<std::vector<Listed>> list();
  // Those of mail_special_folders that are missing. They are subscribed.
  [[nodiscard]] Result<void> make_special_folders();
  // A separator at the end asks for a level that is to have children: where that can be without a mailbox it is a directory.
  [[nodiscard]] Result<void> create(std::string_view name, std::uint8_t special = 0);
  // ENOENT; EPERM for INBOX. Children stay.
  [[nodiscard]] Result<void> remove(std::string_view name);
  // With all below it. Of INBOX: its messages are moved to a new mailbox, and children stay (RFC 9051 section 6.3.6).
  [[nodiscard]] Result<void> rename(std::string_view from, std::string_view to);
  // Any name may be subscribed; whether there is such a mailbox does not matter.
  [[nodiscard]] Result<void> subscribe(std::string_view name);
  [[nodiscard]] Result<void> unsubscribe(std::string_view name);
  [[nodiscard]] Result<std::vector<std::string>> subscriptions();
  [[nodiscard]] Result<void> set_special(std::string_view name, std::uint8_t uses);

  // The mailbox must not outlive the account. refresh() has been called once.
  [[nodiscard]] Result<std::unique_ptr<Mailbox>> open(std::string_view name, Access access);
  // By which a change of a mailbox is noticed without opening it. Where it is not settled, an equal one may hide a change.
  struct Mark {
    std::array<FileMark, 2> files{};
    bool is_settled = false;
    bool operator==(const Mark&) const = default;
  };
  [[nodiscard]] Mark mark(std::string_view name) const;
  // Without taking what is new. From the index alone when nothing has changed.
  enum class Sizes : std::uint8_t { wanted, not_wanted };
  [[nodiscard]] Result<Status> status(std::string_view name, Sizes sizes = Sizes::not_wanted);

 private:
  Account(Location location, AccountOptions options);
  [[nodiscard]] Result<std::string> checked(std::string_view name) const;
  [[nodiscard]] Result<std::unique_ptr<Mailbox>> open_checked(const std::string& name, Access access);
  [[nodiscard]] Result<void> create_checked(const std::string& name);
  [[nodiscard]] Result<void> rename_inbox(const std::string& to);

  Location location_;
  AccountOptions options_;
  Quota quota_;
  Surroundings around_;
};

}  // namespace store
