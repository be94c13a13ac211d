#include "lib/store/account.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/store/maildir.h"
#include "lib/store/mbox.h"
#include "lib/store/names.h"
#include "lib/store/special_file.h"
#include "lib/store/subscriptions.h"
#include "lib/store/tree.h"

namespace store {

Account::Account(Location location, AccountOptions options)
    : location_(std::move(location)), options_(std::move(options)), quota_(location_.kind == Location::Kind::maildir ? location_.root : std::string(), options_.quota, options_.yield) {
  around_.host = options_.host;
  around_.yield = options_.yield;
  around_.progress = options_.progress;
  around_.self = mailbox::LockHolder::self();
  // The file maildirsize is the Maildir's own.
  if (location_.kind == Location::Kind::maildir) around_.quota = &quota_;
}

Account::~Account() = default;

Result<std::unique_ptr<Account>> Account::open(Location location, AccountOptions options) {
  // A host name is a part of file names.
  std::ranges::replace_if(options.host, [](char c) { return c == '/' || c == ':' || c == ',' || c == '\0'; }, '_');
  std::unique_ptr<Account> account(new Account(std::move(location), std::move(options)));
  const Places inbox = places_of(inbox_name, account->location_);
  if (account->location_.kind == Location::Kind::maildir) {
    const auto cur = open_directory({inbox.mail.root + "/cur", {}}, O_PATH);
    if (!cur) TRY(make_maildir(inbox));
  }
  static_cast<void>(TRY(make_directory({account->location_.root, {}})).get());
  return account;
}

Result<std::string> Account::checked(std::string_view name) const {
  std::string canonical = canonical_name(name, location_.separator());
  TRY(check_name(canonical, location_));
  return canonical;
}

Result<std::vector<Listed>> Account::list() {
  const auto found = TRY(find_mailboxes(location_));
  std::vector<std::string> subscribed = TRY(subscriptions());
  std::ranges::sort(subscribed);
  const auto uses = TRY(SpecialFile(location_, around_).read());
  std::vector<Listed> listed;
  for (const Found& mailbox : found) {
    Listed entry;
    entry.name = mailbox.name;
    entry.selectable = mailbox.selectable;
    entry.has_children = mailbox.has_children;
    entry.no_inferiors = location_.kind == Location::Kind::mbox && mailbox.selectable && mailbox.name != inbox_name;
    entry.subscribed = std::ranges::binary_search(subscribed, mailbox.name);
    if (const auto own = uses.find(mailbox.name); own != uses.end()) {
      entry.special = own->second;
    } else {
      for (const SpecialFolder& folder : options_.special_folders) {
        if (folder.name == mailbox.name) entry.special = folder.uses;
      }
    }
    listed.push_back(std::move(entry));
  }
  return listed;
}

Result<void> Account::make_special_folders() {
  for (const SpecialFolder& folder : options_.special_folders) {
    const std::string name = TRY(checked(folder.name));
    const auto made = create(name);
    if (!made && made.error().code() == EEXIST) continue;
    if (!made) return made;
    TRY(subscribe(name));
  }
  return {};
}

Result<void> Account::subscribe(std::string_view name) {
  return Subscriptions(location_, around_).change(TRY(checked(name)), Subscriptions::Change::add);
}

Result<void> Account::unsubscribe(std::string_view name) {
  return Subscriptions(location_, around_).change(canonical_name(name, location_.separator()), Subscriptions::Change::remove);
}

Result<std::vector<std::string>> Account::subscriptions() { return Subscriptions(location_, around_).names(); }

Result<void> Account::set_special(std::string_view name, std::uint8_t uses) {
  const std::string canonical = TRY(checked(name));
  return SpecialFile(location_, around_).change([&](SpecialFile::Uses& all) { all[canonical] = uses; });
}

Result<std::unique_ptr<Mailbox>> Account::open_checked(const std::string& name, Access access) {
  if (location_.kind == Location::Kind::mbox) return TRY(Mbox::open(places_of(name, location_), access, name == inbox_name, around_));
  return TRY(Maildir::open(places_of(name, location_), access, around_));
}

Result<std::unique_ptr<Mailbox>> Account::open(std::string_view name, Access access) {
  const std::string canonical = TRY(checked(name));
  auto mailbox = TRY(open_checked(canonical, access));
  // A message that came into new/ before is the first refresh's business, and nothing is a change yet.
  static_cast<void>(TRY(mailbox->refresh()).none());
  return mailbox;
}

Account::Mark Account::mark(std::string_view name) const {
  Mark mark;
  const Place mail = places_of(name, location_).mail;
  if (location_.kind == Location::Kind::mbox) {
    struct stat status {};
    if (::lstat(mail.path().c_str(), &status) == 0) mark.files[0] = mark_of(status);
  } else if (const auto directory = open_directory(mail, O_PATH)) {
    mark.files = {mark_in(*directory, "cur"), mark_in(*directory, "new")};
  }
  mark.is_settled = std::ranges::all_of(mark.files, &store::is_settled);
  return mark;
}

Result<Status> Account::status(std::string_view name, Sizes sizes) {
  const auto mailbox = TRY(open(name, Access::read_only));
  Status status;
  for (const Entry& entry : mailbox->entries()) {
    ++status.messages;
    if ((entry.flags.system & flag::seen) == 0) ++status.unseen;
    if ((entry.flags.system & flag::deleted) != 0) ++status.deleted;
    if ((entry.flags.system & flag::recent) != 0) ++status.recent;
  }
  if (sizes == Sizes::wanted) {
    const std::vector<Entry> entries(mailbox->entries().begin(), mailbox->entries().end());
    for (const Entry& entry : entries) {
      const auto facts = mailbox->facts(entry.uid);
      if (!facts) continue;
      status.size += facts->size;
      if ((entry.flags.system & flag::deleted) != 0) status.deleted_size += facts->size;
    }
  }
  status.uid_validity = mailbox->uid_validity();
  status.uid_next = mailbox->uid_next();
  status.highest_modseq = mailbox->highest_modseq();
  status.mailbox_id = mailbox->mailbox_id();
  return status;
}

}  // namespace store
