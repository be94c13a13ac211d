// How a Maildir changes its dovecot-uidlist.

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/store/maildir.h"

namespace store {
namespace {

constexpr std::size_t head_size = 1024, tail_size = 1024;  // longer than a line is
constexpr std::size_t dead_lines_min = 200;  // of files that are gone; more of them, and the list is written anew

// The UID of the last line, if the text ends with a whole one.
std::optional<std::uint32_t> last_uid(std::string_view tail) {
  if (!tail.ends_with('\n')) return std::nullopt;
  tail.remove_suffix(1);
  const std::size_t start = tail.rfind('\n');
  if (start == std::string_view::npos) return std::nullopt;
  const std::string_view line = tail.substr(start + 1);
  std::uint32_t uid = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), uid);
  if (error != std::errc{} || uid == 0 || uid == UINT32_MAX || end == line.data() + line.size() || *end != ' ') return std::nullopt;
  return uid;
}

}  // namespace

Result<Maildir::UidlistLock> Maildir::lock_uidlist() const {
  auto locked = mailbox::Dotlock::acquire(fmt::format("/proc/self/fd/{}/{}", control_.get(), uidlist_file), around_.self, lock_patience,
                                          places_.control.path() + "/" + uidlist_file);
  if (locked) return UidlistLock{std::move(*locked)};
  const int code = locked.error().code();
  return base::Failure(base::Error(locked.error().message(), code == EEXIST ? EAGAIN : code));
}

Result<std::optional<Uidlist>> Maildir::read_uidlist() {
  marks_[mark_uidlist] = mark_in(control_, uidlist_file);
  auto text = TRY(read_in(control_, uidlist_file, uidlist_size_max));
  if (!text) return std::optional<Uidlist>{};
  auto list = Uidlist::parse(std::move(*text));
  // Without UIDVALIDITY nothing of it is worth anything; a new one is made as if there were none.
  if (!list) return std::optional<Uidlist>{};
  return std::optional(std::move(*list));
}

Result<void> Maildir::write_uidlist(const Uidlist& list, std::span<const NewLine> more) {
  std::string text = list.header();
  text.reserve(list.text.size() + more.size() * 64);
  for (const UidlistLine& line : list.lines) Uidlist::append_line(text, line.uid, line.fields, line.name);
  for (const NewLine& line : more) Uidlist::append_line(text, line.uid, {}, line.base);
  TRY(replace_in(control_, uidlist_file, text, Durable::yes));
  marks_[mark_uidlist] = mark_in(control_, uidlist_file);
  return {};
}

Result<void> Maildir::append_to_uidlist(std::span<const NewLine> lines) {
  std::string text;
  for (const NewLine& line : lines) Uidlist::append_line(text, line.uid, {}, line.base);
  const Fd file = TRY(open_in(control_, uidlist_file, O_WRONLY | O_APPEND));
  const FileMark before = mark_of(file);
  auto written = write_fully(file, text, uidlist_file);
  if (written && ::fdatasync(file.get()) != 0) written = base::fail_system("fsync dovecot-uidlist");
  if (!written) {
    // Half a line would be in the way of the next.
    static_cast<void>(::ftruncate(file.get(), static_cast<off_t>(before.size)) == 0);
    return written;
  }
  if (before == marks_[mark_uidlist]) marks_[mark_uidlist] = mark_of(file);
  return {};
}

Result<Maildir::UidlistEnd> Maildir::end_of_uidlist() {
  const auto file = open_in(control_, uidlist_file, O_RDONLY);
  if (file) {
    const FileMark mark = mark_of(*file);
    std::string head(head_size, '\0'), tail(tail_size, '\0');
    const ssize_t head_got = ::pread(file->get(), head.data(), head.size(), 0);
    const std::uint64_t tail_at = mark.size > tail_size ? mark.size - tail_size : 0;
    const ssize_t tail_got = ::pread(file->get(), tail.data(), tail.size(), static_cast<off_t>(tail_at));
    head.resize(static_cast<std::size_t>(std::max<ssize_t>(head_got, 0)));
    tail.resize(static_cast<std::size_t>(std::max<ssize_t>(tail_got, 0)));
    head.resize(std::min(head.find('\n'), head.size() - 1) + 1);
    const bool is_only_head = mark.size == head.size();
    const auto list = Uidlist::parse(head);
    const auto last = last_uid(tail);
    if (list && list->whole && (is_only_head || last)) {
      return UidlistEnd{mark, list->validity, std::max(list->next, is_only_head ? 0 : *last + 1)};
    }
  } else if (file.error().code() != ENOENT) {
    return base::Failure(file.error());
  }
  // It is not there, torn or old.
  auto found = TRY(read_uidlist());
  const Uidlist list = found ? std::move(*found) : TRY(first_uidlist());
  TRY(write_uidlist(list, {}));
  return UidlistEnd{mark_in(control_, uidlist_file), list.validity, list.next};
}

bool Maildir::is_current(const UidlistEnd& end) {
  return uid_validity_ == end.validity && uid_next_ == end.next && is_up_to_date() && load_rows();
}

Result<void> Maildir::trim_uidlist() {
  const auto lock = TRY(lock_uidlist());
  auto found = TRY(read_uidlist());
  if (!found) return {};
  Uidlist& list = *found;
  if (list.lines.size() < list_.entries().size() + std::max(dead_lines_min, list_.entries().size() / 4)) return {};
  // Only lines of messages that we know to be gone: others may be on their way.
  std::erase_if(list.lines, [&](const UidlistLine& line) { return line.uid < uid_next_ && list_.find(line.uid) == nullptr; });
  return write_uidlist(list, {});
}

}  // namespace store
