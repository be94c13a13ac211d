#include "lib/store/mbox.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/message/parts.h"
#include "lib/mailbox/file_lock.h"
#include "lib/store/copy.h"
#include "lib/store/mbox_rewrite.h"

namespace store {
namespace {

constexpr const char* state_file = "valija-mbox";
constexpr std::size_t state_size_max = 64 * 1024;
constexpr int reopen_tries = 3;

}  // namespace

Result<std::unique_ptr<Mbox>> Mbox::open(Places places, Access access, bool is_inbox, const Surroundings& around) {
  std::unique_ptr<Mbox> mailbox(new Mbox(std::move(places), access, around));
  TRY(mailbox->open_file(is_inbox));
  TRY(mailbox->read_state());
  mailbox->load_index();
  // What a crash left half done comes first, so that nothing is told that is about to go.
  if (is_unfinished(mailbox->control_)) static_cast<void>(TRY(mailbox->lock()).lock.get());
  return mailbox;
}

Mbox::~Mbox() { save_index(); }

Result<void> Mbox::open_file(bool is_inbox) {
  const std::string path = places_.mail.path();
  const std::size_t slash = path.rfind('/');
  name_ = path.substr(slash + 1);
  if (places_.mail.below.empty()) {
    directory_ = TRY(open_directory({path.substr(0, std::max<std::size_t>(slash, 1)), {}}));
  } else {
    const std::size_t inner = places_.mail.below.rfind('/');
    directory_ = TRY(open_directory({places_.mail.root, inner == std::string::npos ? std::string() : places_.mail.below.substr(0, inner)}));
  }
  control_ = TRY(make_directory(places_.control));
  if (!places_.index.root.empty()) {
    if (auto index = make_directory(places_.index)) index_ = std::move(*index);
  }
  auto file = open_in(directory_, name_, O_RDWR);
  if (!file && file.error().code() == ENOENT && is_inbox) file = open_in(directory_, name_, O_RDWR | O_CREAT);
  if (!file && (file.error().code() == EACCES || file.error().code() == EROFS)) {
    access_ = Access::read_only;
    file = open_in(directory_, name_, O_RDONLY);
    if (!file && file.error().code() == ENOENT && is_inbox) return {};  // no mail, and no place to make a file
  }
  if (!file) return base::Failure(file.error());
  file_ = std::move(*file);
  return {};
}

Result<void> Mbox::look_for_file() {
  auto file = open_in(directory_, name_, O_RDWR);
  if (file) access_ = wanted_;
  if (!file && (file.error().code() == EACCES || file.error().code() == EROFS)) file = open_in(directory_, name_, O_RDONLY);
  if (!file && file.error().code() == ENOENT) return {};
  if (!file) return base::Failure(file.error());
  file_ = std::move(*file);
  return {};
}

Result<void> Mbox::read_state() {
  const auto text = TRY(read_in(control_, state_file, state_size_max));
  if (!text) return {};
  for (const std::string_view word : ascii::split(*text, " \n")) {
    const std::string_view value = word.substr(1);
    const auto number = static_cast<std::uint32_t>(ascii::parse_number(value, UINT32_MAX).value_or(0));
    if (word[0] == 'V') uid_validity_ = number;
    if (word[0] == 'N') kept_next_ = uid_next_ = std::max<Uid>(number, 1);
    if (word[0] == 'G') mailbox_id_ = value;
    if (word[0] == 'E') was_empty_ = number != 0;
  }
  has_state_ = uid_validity_ != 0;
  return {};
}

Result<void> Mbox::write_state() {
  has_state_ = true;
  was_empty_ = list_.entries().empty();
  return replace_in(control_, state_file, fmt::format("1 V{} N{} G{} E{}\n", uid_validity_, uid_next_, mailbox_id_, was_empty_ ? 1 : 0), Durable::yes);
}

void Mbox::load_index() {
  IndexContent content;
  const OpenMark::State mark = index_ ? OpenMark::look(index_) : OpenMark::State::none;
  const auto index = index_ ? IndexFile::load(index_, sizeof(Row), content) : std::nullopt;
  const auto rows = index ? index->rows() : std::nullopt;
  if (!rows || content.uid_validity != uid_validity_) {
    list_.begin();
    cache_file_.remove(index_);
    dirty_ = true;
    return;
  }
  rows_.resize(content.known.entries.size());
  std::ranges::copy(rows->rows, reinterpret_cast<char*>(rows_.data()));
  keywords_ = content.keywords;
  uid_next_ = std::max(uid_next_, content.known.uid_next);
  mark_ = content.marks[0];
  list_.begin(std::move(content.known));
  if (mark != OpenMark::State::none) list_.distrust();
  if (mark == OpenMark::State::left) dirty_ = true;
}

void Mbox::save_index() {
  write_cached();
  if (!dirty_ || !index_ || uid_validity_ == 0) return;
  IndexContent content;
  content.uid_validity = uid_validity_;
  content.known.uid_next = uid_next_;
  content.known.highest = list_.highest();
  content.known.gone_since = list_.gone_since();
  content.known.gone = list_.gone();
  content.mailbox_id = mailbox_id_;
  content.keywords = keywords_;
  if (!unsettled_) content.marks[0] = mark_;
  std::vector<Entry> entries = list_.entries();
  for (Entry& entry : entries) entry.flags.system &= flag::all;
  IndexFile::save(index_, sizeof(Row), content, entries,
                  std::string_view(reinterpret_cast<const char*>(rows_.data()), rows_.size() * sizeof(Row)), {});
  open_mark_.release(index_);
}

void Mbox::about_to_change() {
  dirty_ = true;
  open_mark_.take(index_);
}

std::string Mbox::own_path() const { return fmt::format("/proc/self/fd/{}/{}", directory_.get(), name_); }

Result<Mbox::Locked> Mbox::lock() {
  Locked locked;
  if (!file_) return locked;
  if (access_ == Access::read_write) {
    auto dotlock = mailbox::Dotlock::acquire(own_path(), around_.self, lock_patience, places_.mail.path());
    if (dotlock) {
      locked.dotlock = std::move(*dotlock);
    } else if (const int code = dotlock.error().code(); code != EACCES && code != EROFS) {
      return base::Failure(base::Error(dotlock.error().message(), code == EEXIST ? EAGAIN : code));
    }
  }
  for (int attempt = 0; attempt < reopen_tries; ++attempt) {
    // Somebody may have put another file in its place.
    auto file = open_in(directory_, name_, access_ == Access::read_write ? O_RDWR : O_RDONLY);
    if (!file) return base::Failure(file.error());
    if (access_ == Access::read_write) {
      if (auto held = mailbox::lock_mailbox(*file, {.fcntl = true}, lock_patience); !held) return base::Failure(held.error());
    }
    if (mark_of(*file).inode != mark_in(directory_, name_).inode) continue;
    // Another description than the lock's, which would keep it.
    file_ = TRY(open_in(directory_, name_, access_ == Access::read_write ? O_RDWR : O_RDONLY));
    if (mark_of(file_).inode != mark_of(*file).inode) continue;
    locked.lock = std::move(*file);
    if (access_ == Access::read_write && TRY(finish_rewrite(file_, control_))) mark_ = {};
    return locked;
  }
  return base::Failure(base::Error::system("mailbox keeps being replaced", EAGAIN));
}

Result<std::string> Mbox::read_range(std::uint64_t from, std::uint64_t to) const {
  std::string text(to > from ? to - from : 0, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t count = ::pread(file_.get(), text.data() + have, text.size() - have, static_cast<off_t>(from + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system("read mailbox");
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  text.resize(have);
  return text;
}

Result<std::string> Mbox::read_text() const {
  const FileMark mark = mark_of(file_);
  if (mark.size > mbox_size_max) return base::Failure(base::Error::system("read mailbox", EFBIG));
  return read_range(0, mark.size);
}

std::vector<std::string> Mbox::names_of(std::uint64_t bits) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < keywords_.size(); ++i) {
    if ((bits >> i & 1) != 0) names.push_back(keywords_[i]);
  }
  return names;
}

std::uint64_t Mbox::bits_of(const std::vector<std::string>& names) {
  std::uint64_t bits = 0;
  for (const std::string& name : names) {
    auto found = std::ranges::find_if(keywords_, [&](const std::string& known) { return ascii::equal_ignoring_case(known, name); });
    if (found == keywords_.end()) {
      if (keywords_.size() >= keywords_max || name.size() > keyword_size_max) continue;
      keywords_.push_back(name);
      list_.note_keywords();
      found = keywords_.end() - 1;
    }
    bits |= std::uint64_t{1} << (found - keywords_.begin());
  }
  return bits;
}

Mbox::Row* Mbox::row_of(Uid uid) {
  const Entry* const entry = list_.find(uid);
  return entry == nullptr ? nullptr : &rows_[list_.position(entry)];
}

MboxState Mbox::state_of(const MboxMessage& message, bool is_first) const {
  MboxState state{message.uid, message.system, true, message.keywords, 0, 0, {}};
  if (is_first) {
    state.uid_validity = uid_validity_;
    state.last_uid = uid_next_ - 1;
    state.all_keywords = keywords_;
  }
  return state;
}

Result<Changes> Mbox::refresh() {
  watch_.drain();
  write_cached();
  cache_file_.rest();
  if (!file_) TRY(look_for_file());
  if (!file_) {
    if (uid_validity_ == 0) uid_validity_ = TRY(new_uid_validity(places_.roots));
    return list_.take_changes();
  }
  if (mark_ != mark_in(directory_, name_) || unsettled_ || uid_validity_ == 0) {
    const auto locked = TRY(lock());
    TRY(sync());
  }
  return list_.take_changes();
}

Result<Message> Mbox::open(Uid uid) {
  const auto locked = TRY(lock());
  TRY(sync());
  const Row* const row = row_of(uid);
  if (row == nullptr) return base::Failure(base::Error::system("open message", ENOENT));
  const std::string text = TRY(read_range(row->header, row->end));
  if (text.size() < row->body - row->header) return base::Failure(base::Error::system("mailbox is shorter than it was", EAGAIN));
  const std::size_t body = row->body - row->header;
  // The empty line is the header's last.
  const bool has_empty_line = body > 0;
  std::string shown = visible_header(std::string_view(text).substr(0, body));
  if (has_empty_line && !shown.ends_with("\n\n") && shown != "\n") shown += "\n";
  shown += std::string_view(text).substr(body);
  return Message::own(std::move(shown));
}

Result<Facts> Mbox::facts(Uid uid) {
  Row* row = row_of(uid);
  if (row == nullptr) return base::Failure(base::Error::system("look at message", ENOENT));
  if (row->wire_size == unknown_size) {
    const Message message = TRY(open(uid));
    row = row_of(uid);
    if (row == nullptr) return base::Failure(base::Error::system("look at message", ENOENT));
    row->wire_size = message::wire_size(message.text());
    dirty_ = true;
  }
  const Stamp date(std::chrono::seconds(row->date));
  return Facts{row->wire_size, date, date};
}

Result<CopiedUids> Mbox::copy(std::span<const Uid> uids, Mailbox& target) { return copy_bytes(*this, uids, target, around_); }

Result<CopiedUids> Mbox::move(std::span<const Uid> uids, Mailbox& target) {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("move", EROFS));
  auto copied = TRY(copy_bytes(*this, uids, target, around_));
  std::vector<Uid> done;
  for (const auto& [from, to] : copied.pairs) done.push_back(from);
  TRY(expunge(done));
  return copied;
}

std::optional<std::string_view> Mbox::cached(Uid uid) {
  if (cache_file_.may_hold(uid)) write_cached();
  const Row* const row = row_of(uid);
  if (row == nullptr) return std::nullopt;
  return cache_file_.get(index_, row->cached, uid_validity_, uid);
}

void Mbox::cache(Uid uid, std::string_view bytes) {
  Row* const row = row_of(uid);
  if (row == nullptr || !index_) return;
  if (cache_file_.put(index_, uid_validity_, uid, bytes)) write_cached();
  dirty_ = true;
}

void Mbox::write_cached() {
  cache_file_.write([this](Uid uid, std::uint32_t place) {
    if (Row* const row = row_of(uid)) row->cached = place;
  });
}

int Mbox::watch_fd() {
  if (watch_.fd() < 0) watch_.add(directory_);
  return watch_.fd();
}

}  // namespace store
