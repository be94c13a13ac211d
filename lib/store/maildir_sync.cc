// How a Maildir finds out what others have done.

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/store/maildir.h"

namespace store {
namespace {

constexpr std::size_t pause_every = 8192;  // messages
// When nothing tells whether there is more (a change within the clock's tick, or of our own), the directory is read again,
// but at most for one part in so many of the time.
constexpr int doubt_cost = 50;
constexpr std::chrono::milliseconds doubt_least{25};

}  // namespace

// What is changed here is known at once to who has the same directory open in this process: no clock's tick is in the way.
std::shared_ptr<std::uint64_t> Maildir::shared_changes(const Fd& directory) {
  static std::map<std::pair<dev_t, ino_t>, std::weak_ptr<std::uint64_t>> all;
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return std::make_shared<std::uint64_t>(0);
  std::erase_if(all, [](const auto& each) { return each.second.expired(); });
  std::weak_ptr<std::uint64_t>& kept = all[{status.st_dev, status.st_ino}];
  auto count = kept.lock();
  if (!count) kept = count = std::make_shared<std::uint64_t>(0);
  return count;
}

bool Maildir::is_up_to_date() const {
  if (changes_seen_ != *changes_) return false;
  if (marks_[mark_cur] != mark_of(cur_) || marks_[mark_new] != mark_of(fresh_) || marks_[mark_uidlist] != mark_in(control_, uidlist_file) ||
      marks_[mark_letters] != mark_in(control_, std::string(letter_keywords_file)) ||
      marks_[mark_more] != mark_in(control_, std::string(more_keywords_file))) {
    return false;
  }
  if (!unsettled_ && !own_change_) return true;
  // New mail is not kept waiting: new/ has few files.
  return std::chrono::steady_clock::now() - synced_ < std::max<std::chrono::steady_clock::duration>(sync_cost_ * doubt_cost, doubt_least) &&
         !has_unknown_new();
}

bool Maildir::has_unknown_new() const {
  const auto known = static_cast<std::size_t>(std::ranges::count_if(rows_, [](const Row& row) { return row.in_new != 0; }));
  return MaildirScan::count(fresh_) != known;
}

Result<Changes> Maildir::refresh() {
  watch_.drain();
  write_cached();
  cache_file_.rest();
  struct stat status {};
  if (::fstat(cur_.get(), &status) != 0 || status.st_nlink == 0) return base::Failure(base::Error::system("mailbox", ENOENT));
  if (uid_validity_ == 0 || !is_up_to_date()) TRY(sync());
  return list_.take_changes();
}

Result<void> Maildir::read_keywords() {
  const FileMark letters = mark_in(control_, std::string(letter_keywords_file)), more = mark_in(control_, std::string(more_keywords_file));
  if (uid_validity_ != 0 && letters == marks_[mark_letters] && more == marks_[mark_more]) return {};
  KeywordFiles read = TRY(KeywordFiles::read(control_, uid_validity_));
  if (read.names != keyword_files_.names) list_.note_keywords();
  keyword_files_ = std::move(read);
  marks_[mark_letters] = letters;
  marks_[mark_more] = more;
  return {};
}

// Two files with one base name: one message whose move from new/ to cur/ was cut off, or two, of which one gets a name of
// its own.
Result<void> Maildir::mend_doubles(MaildirScan& scan) {
  for (const std::uint32_t index : scan.doubles) {
    const ScannedFile& other = scan.files[index];
    const ScannedFile* const first = scan.find(scan.base(other));
    if (first == nullptr || access_ == Access::read_only) continue;
    struct stat a {};
    struct stat b {};
    const std::string first_name(scan.name(*first)), other_name(scan.name(other));
    const int first_directory = (first->in_new ? fresh_ : cur_).get(), other_directory = (other.in_new ? fresh_ : cur_).get();
    if (::fstatat(first_directory, first_name.c_str(), &a, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fstatat(other_directory, other_name.c_str(), &b, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;  // it was renamed while we looked
    }
    if (a.st_ino == b.st_ino && a.st_dev == b.st_dev) {
      // The one in new/ is the older name.
      if (first->in_new && !other.in_new) ::unlinkat(first_directory, first_name.c_str(), 0);
      continue;
    }
    const std::string base = new_base_name(around_.host);
    const FileName parts = FileName::split(other_name);
    const std::string name = other.in_new ? base : file_name(base, parts.flags(), parts.info);
    ::renameat2(other_directory, other_name.c_str(), other_directory, name.c_str(), RENAME_NOREPLACE);
  }
  if (!scan.doubles.empty() && access_ != Access::read_only) {
    scan = TRY(MaildirScan::read(cur_, fresh_, {}));
  }
  return {};
}

namespace {

// For each line the file that it is of, or null; of several lines for one file the last counts.
std::vector<ScannedFile*> match(MaildirScan& scan, const Uidlist& list) {
  std::vector<ScannedFile*> files(list.lines.size());
  for (std::size_t i = list.lines.size(); i-- > 0;) {
    ScannedFile* const file = scan.find(list.lines[i].name);
    if (file == nullptr || file->taken) continue;
    file->taken = true;
    files[i] = file;
  }
  return files;
}

}  // namespace

// Under the lock: gives UIDs to files that have none, in order of their names. Returns the list as it is then.
Result<Uidlist> Maildir::name_strangers(MaildirScan& scan) {
  auto found = TRY(read_uidlist());
  const bool is_new = !found;
  Uidlist list = found ? std::move(*found) : TRY(first_uidlist());
  if (is_new) scan = TRY(MaildirScan::read(cur_, fresh_, {}));
  if (list.mailbox_id.empty()) {
    list.mailbox_id = new_mailbox_id();
    list.whole = false;
  }
  for (ScannedFile& file : scan.files) file.taken = false;
  const auto files = match(scan, list);
  // A message that we told to be gone is back: clients must not meet its UID again.
  if (list.validity == uid_validity_) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i] != nullptr && list.lines[i].uid < uid_next_ && list_.find(list.lines[i].uid) == nullptr) files[i]->taken = false;
    }
  }
  const auto strangers = scan.untaken();
  if (strangers.size() > UINT32_MAX - list.next) return base::fail("no more UIDs", ENOSPC);
  std::vector<NewLine> lines;
  for (const std::string_view base : strangers) lines.push_back({list.next++, base});
  if (is_new || !list.whole) {
    TRY(write_uidlist(list, lines));
  } else if (!lines.empty()) {
    TRY(append_to_uidlist(lines));
  }
  auto written = TRY(read_uidlist());
  if (!written) return base::fail("dovecot-uidlist is gone", EAGAIN);
  return std::move(*written);
}

// When nothing tells of a change in cur/, new/ alone is read: that is how mail arrives.
Result<MaildirScan> Maildir::look() {
  const bool is_due = (unsettled_ || own_change_) && std::chrono::steady_clock::now() - synced_ >=
                                                         std::max<std::chrono::steady_clock::duration>(sync_cost_ * doubt_cost, doubt_least);
  is_only_new_ = uid_validity_ != 0 && !is_due && !unsettled_ && marks_[mark_cur] == mark_of(cur_) && marks_[mark_uidlist] == mark_in(control_, uidlist_file) &&
                 marks_[mark_new] != mark_of(fresh_) && rows_.size() == list_.entries().size() && !names_.empty();
  if (!is_only_new_) return MaildirScan::read(cur_, fresh_, around_.yield);
  auto scan = TRY(MaildirScan::read_new(cur_, fresh_));
  for (const Row& row : rows_) {
    if (row.in_new == 0) scan.add(name_of(row), row.base_size, false);
  }
  scan.finish();
  scan.steady = scan.cur_mark == mark_of(cur_) && scan.new_mark == mark_of(fresh_);
  return scan;
}

Result<void> Maildir::sync() {
  const auto start = std::chrono::steady_clock::now();
  static_cast<void>(load_rows());
  changes_seen_ = *changes_;
  const FileMark before_letters = marks_[mark_letters];
  auto scan = TRY(look());
  TRY(mend_doubles(scan));
  around_.pause();
  auto list = TRY(read_uidlist());
  const auto is_stranger = [&] {
    const auto files = match(scan, *list);
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i] != nullptr && list->validity == uid_validity_ && list->lines[i].uid < uid_next_ && list_.find(list->lines[i].uid) == nullptr) return true;
    }
    return static_cast<std::size_t>(std::ranges::count_if(files, [](const ScannedFile* file) { return file != nullptr; })) + scan.doubles.size() <
           scan.files.size();
  };
  if (!list || list->mailbox_id.empty() || is_stranger()) {
    const auto lock = TRY(lock_uidlist());
    list = TRY(name_strangers(scan));
  }
  if (uid_validity_ != list->validity) {
    if (uid_validity_ != 0) {
      list_.note_reset();
      list_.begin();
      rows_.clear();
    }
    uid_validity_ = list->validity;
    marks_[mark_letters] = {};
    marks_[mark_more] = {};
    keyword_files_ = TRY(KeywordFiles::read(control_, uid_validity_));
    marks_[mark_letters] = mark_in(control_, std::string(letter_keywords_file));
    marks_[mark_more] = mark_in(control_, std::string(more_keywords_file));
  } else {
    marks_[mark_letters] = before_letters;
    TRY(read_keywords());
  }
  mailbox_id_ = list->mailbox_id;
  marks_[mark_cur] = scan.cur_mark;
  marks_[mark_new] = scan.new_mark;
  unsettled_ = !scan.steady || !is_settled(scan.cur_mark) || !is_settled(scan.new_mark);
  own_change_ = own_change_ && is_only_new_;
  TRY(merge(scan, *list));
  pop3_list_.reset();
  if (access_ == Access::read_write) TRY(take_new());
  if (is_only_new_) return {};
  synced_ = std::chrono::steady_clock::now();
  sync_cost_ = synced_ - start;
  return {};
}

Result<void> Maildir::look_again() {
  unsettled_ = true;
  return sync();
}

Result<void> Maildir::merge(MaildirScan& scan, const Uidlist& list) {
  for (ScannedFile& file : scan.files) file.taken = false;
  const auto files = match(scan, list);
  std::vector<Entry> now;
  std::vector<Row> rows;
  now.reserve(scan.files.size());
  rows.reserve(scan.files.size());
  const std::vector<Entry>& old = list_.entries();
  std::size_t at = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i % pause_every == pause_every - 1) around_.pause();
    if (files[i] == nullptr) continue;
    const ScannedFile& file = *files[i];
    const Uid uid = list.lines[i].uid;
    const std::string_view name = scan.name(file);
    Row row;
    while (at < old.size() && old[at].uid < uid) ++at;
    if (at < old.size() && old[at].uid == uid) {
      row = rows_[at];
    }
    if (row.wire_size == unknown_size) row.wire_size = FileName::split(name).wire_size().value_or(unknown_size);
    row.name = file.name;
    row.name_size = file.name_size;
    row.base_size = file.base_size;
    row.in_new = file.in_new ? 1 : 0;
    Flags flags = flags_of(name, uid);
    if (file.in_new || own_.contains(uid)) flags.system |= flag::recent;
    now.push_back({uid, flags, 0});
    rows.push_back(row);
  }
  rows_ = std::move(rows);
  names_ = std::move(scan.names);
  names_wasted_ = 0;
  uid_next_ = list.next;
  own_.clear();
  dirty_ = true;
  if (list_.replace(std::move(now))) about_to_change();
  return {};
}

// From new/ to cur/: no other session will call them recent.
Result<void> Maildir::take_new() {
  bool moved = false;
  for (Row& row : rows_) {
    if (row.in_new == 0) continue;
    const std::string old_name(name_of(row));
    const FileName parts = FileName::split(old_name);
    const std::string name = parts.info.empty() ? std::string(parts.base) + ":2," : old_name;
    if (name.size() > 255) continue;
    if (::renameat2(fresh_.get(), old_name.c_str(), cur_.get(), name.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno == ENOENT || errno == EEXIST) continue;  // others did; the next look tells
      if (errno == EACCES || errno == EROFS) break;
      return base::fail_system("move a message from new/ to cur/");
    }
    set_name(row, name, false);
    moved = true;
  }
  if (moved) note_own_change();
  return {};
}

void Maildir::note_own_change() {
  marks_[mark_cur] = mark_of(cur_);
  marks_[mark_new] = mark_of(fresh_);
  own_change_ = true;
  // Of what others have done meanwhile it stays unseen.
  if (changes_seen_ == (*changes_)++) ++changes_seen_;
}

}  // namespace store
