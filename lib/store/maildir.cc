#include "lib/store/maildir.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/message/parts.h"

namespace store {
namespace {

constexpr const char* folder_mark = "maildirfolder";

}  // namespace

std::string new_base_name(std::string_view host) {
  static unsigned count = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return fmt::format("{}.M{}P{}Q{}.{}", now.tv_sec, now.tv_nsec / 1000, ::getpid(), ++count, host);
}

Result<void> make_maildir(const Places& places) {
  for (const char* part : {"tmp", "new", "cur"}) {
    Place place = places.mail;
    place.below += place.below.empty() ? part : std::string("/") + part;
    TRY(make_directory(place));
  }
  if (!places.mail.below.starts_with('.')) return {};
  const Fd directory = TRY(open_directory(places.mail));
  if (const auto made = open_in(directory, folder_mark, O_CREAT | O_WRONLY); !made) return base::Failure(made.error());
  return {};
}

Result<std::unique_ptr<Maildir>> Maildir::open(Places places, Access access, const Surroundings& around) {
  std::unique_ptr<Maildir> mailbox(new Maildir(std::move(places), access, around));
  TRY(mailbox->open_directories());
  mailbox->load_index();
  return mailbox;
}

Maildir::~Maildir() { save_index(); }

Result<void> Maildir::open_directories() {
  directory_ = TRY(open_directory(places_.mail));
  const auto part = [&](const char* name) -> Result<Fd> {
    Fd fd(::openat(directory_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return base::fail_system(fmt::format("open {}/{}", places_.mail.path(), name));
    return fd;
  };
  cur_ = TRY(part("cur"));
  changes_ = shared_changes(cur_);
  // Others make only what they use.
  for (const char* name : {"new", "tmp"}) static_cast<void>(::mkdirat(directory_.get(), name, folder_mode));
  fresh_ = TRY(part("new"));
  drafts_ = TRY(part("tmp"));
  control_ = TRY(make_directory(places_.control));
  if (!places_.index.root.empty()) {
    // An index that cannot be is no reason not to read mail.
    if (auto index = make_directory(places_.index)) index_ = std::move(*index);
  }
  return {};
}

void Maildir::load_index() {
  IndexContent content;
  const OpenMark::State mark = index_ ? OpenMark::look(index_) : OpenMark::State::none;
  if (index_) unread_rows_ = IndexFile::load(index_, sizeof(Row), content);
  if (!unread_rows_) {
    list_.begin();
    cache_file_.remove(index_);
    dirty_ = true;
    return;
  }
  uid_validity_ = content.uid_validity;
  uid_next_ = content.known.uid_next;
  mailbox_id_ = content.mailbox_id;
  marks_ = content.marks;
  keyword_files_.names = std::move(content.keywords);
  list_.begin(std::move(content.known));
  if (mark != OpenMark::State::none) list_.distrust();
  if (mark == OpenMark::State::left) dirty_ = true;
  // The messages' keywords beyond the letters are only in that file, and needed when one of them is changed.
  if (keyword_files_.names.size() > letter_keywords) marks_[mark_more] = {};
}

void Maildir::save_index() {
  write_cached();
  if (!dirty_ || !index_ || uid_validity_ == 0) return;
  if (!load_rows()) return;
  std::string names;
  names.reserve(names_.size() - names_wasted_);
  std::vector<std::uint32_t> cached;
  for (Row& row : rows_) {
    const std::string_view name = name_of(row);
    row.name = static_cast<std::uint32_t>(names.size());
    names += name;
    if (row.cached != 0) cached.push_back(row.cached);
  }
  names_ = std::move(names);
  names_wasted_ = 0;
  if (cache_file_.is_mostly_waste(cached)) {
    cache_file_.remove(index_);
    for (Row& row : rows_) row.cached = 0;
  }
  IndexContent content;
  content.uid_validity = uid_validity_;
  content.known.uid_next = uid_next_;
  content.known.highest = list_.highest();
  content.known.gone_since = list_.gone_since();
  content.known.gone = list_.gone();
  content.mailbox_id = mailbox_id_;
  content.keywords = keyword_files_.names;
  if (!unsettled_) content.marks = marks_;
  // What still lies in new/ is recent to the next who opens the mailbox, and moved by him: he has to look.
  if (std::ranges::any_of(rows_, [](const Row& row) { return row.in_new != 0; })) content.marks[mark_new] = {};
  std::vector<Entry> entries = list_.entries();
  for (Entry& entry : entries) entry.flags.system &= flag::all;
  IndexFile::save(index_, sizeof(Row), content, entries,
                  std::string_view(reinterpret_cast<const char*>(rows_.data()), rows_.size() * sizeof(Row)), names_);
  open_mark_.release(index_);
  dirty_ = false;
}

bool Maildir::load_rows() {
  if (!unread_rows_) return true;
  auto read = unread_rows_->rows();
  unread_rows_.reset();
  rows_.assign(list_.entries().size(), Row{});
  names_wasted_ = 0;
  if (read && read->rows.size() == rows_.size() * sizeof(Row)) {
    std::ranges::copy(read->rows, reinterpret_cast<char*>(rows_.data()));
    names_ = std::move(read->names);
    const bool fits = std::ranges::all_of(rows_, [&](const Row& row) {
      return row.name <= names_.size() && row.name_size <= names_.size() - row.name && row.base_size <= row.name_size && row.name_size > 0;
    });
    if (fits) return true;
    rows_.assign(rows_.size(), Row{});
  }
  // The rest of the index is true, or it would not have been taken. The names are found out again.
  names_.clear();
  marks_ = {};
  dirty_ = true;
  return sync().has_value();
}

void Maildir::about_to_change() {
  dirty_ = true;
  open_mark_.take(index_);
}

void Maildir::set_name(Row& row, std::string_view name, bool in_new) {
  names_wasted_ += row.name_size;
  const std::string copy(name);  // it may point into names_
  row.name = static_cast<std::uint32_t>(names_.size());
  row.name_size = static_cast<std::uint8_t>(copy.size());
  row.base_size = static_cast<std::uint8_t>(FileName::split(copy).base.size());
  row.in_new = in_new ? 1 : 0;
  names_ += copy;
}

Maildir::Row* Maildir::row_of(Uid uid) {
  if (!load_rows()) return nullptr;
  const Entry* const entry = list_.find(uid);
  return entry == nullptr ? nullptr : &rows_[list_.position(entry)];
}

Flags Maildir::flags_of(std::string_view name, Uid uid) const {
  Flags flags = FileName::split(name).flags();
  flags.keywords = (flags.keywords | keyword_files_.more_of(uid)) & keyword_files_.named();
  return flags;
}

Result<Message> Maildir::open(Uid uid) {
  for (int attempt = 0;; ++attempt) {
    const Row* const row = row_of(uid);
    if (row == nullptr) return base::Failure(base::Error::system("open message", ENOENT));
    const std::string name(name_of(*row));
    std::uint64_t size = 0;
    const auto file = open_in(directory_of(*row), name, O_RDONLY, file_mode, &size);
    if (file) return Message::map(file->get(), 0, size, name);
    if (file.error().code() != ENOENT || attempt > 0) return base::Failure(file.error());
    // Somebody renamed it.
    TRY(look_again());
  }
}

Result<Facts> Maildir::facts(Uid uid) {
  for (int attempt = 0;; ++attempt) {
    Row* row = row_of(uid);
    if (row == nullptr) return base::Failure(base::Error::system("look at message", ENOENT));
    if (row->wire_size == unknown_size) {
      const Message message = TRY(open(uid));
      row = row_of(uid);
      if (row == nullptr) continue;
      row->wire_size = message::wire_size(message.text());
      dirty_ = true;
    }
    if (row->internal_date == unknown_date || row->save_date == unknown_date) {
      struct stat status {};
      if (::fstatat(directory_of(*row).get(), std::string(name_of(*row)).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT || attempt > 0) return base::fail_system("look at message");
        TRY(look_again());
        continue;
      }
      row->internal_date = status.st_mtim.tv_sec;
      row->save_date = status.st_ctim.tv_sec;
      dirty_ = true;
    }
    return Facts{row->wire_size, Stamp(std::chrono::seconds(row->internal_date)), Stamp(std::chrono::seconds(row->save_date))};
  }
}

std::string Maildir::pop3_uidl(Uid uid) {
  if (!pop3_list_) {
    auto list = read_uidlist();
    if (!list || !*list) return {};
    pop3_list_ = std::move(*list);
  }
  const UidlistLine* const line = pop3_list_->find(uid);
  return line == nullptr ? std::string() : std::string(field(line->fields, 'P').value_or(std::string_view()));
}

std::string Maildir::base_name(Uid uid) {
  const Row* const row = row_of(uid);
  return row == nullptr ? std::string() : std::string(name_of(*row).substr(0, row->base_size));
}

std::uint32_t Maildir::pop3_order(Uid uid) {
  static_cast<void>(pop3_uidl(uid));
  const UidlistLine* const line = pop3_list_ ? pop3_list_->find(uid) : nullptr;
  if (line == nullptr) return 0;
  return static_cast<std::uint32_t>(ascii::parse_number(field(line->fields, 'O').value_or("0"), UINT32_MAX).value_or(0));
}

std::optional<std::string_view> Maildir::cached(Uid uid) {
  if (cache_file_.may_hold(uid)) write_cached();
  const Row* const row = row_of(uid);
  if (row == nullptr || row->cached == 0) return std::nullopt;
  return cache_file_.get(index_, row->cached, uid_validity_, uid);
}

void Maildir::cache(Uid uid, std::string_view bytes) {
  Row* const row = row_of(uid);
  if (row == nullptr || !index_) return;
  if (cache_file_.put(index_, uid_validity_, uid, bytes)) write_cached();
  dirty_ = true;
}

void Maildir::write_cached() {
  cache_file_.write([this](Uid uid, std::uint32_t place) {
    if (Row* const row = row_of(uid)) row->cached = place;
  });
}

int Maildir::watch_fd() {
  if (watch_.fd() < 0) {
    watch_.add(cur_);
    watch_.add(fresh_);
  }
  return watch_.fd();
}

}  // namespace store
