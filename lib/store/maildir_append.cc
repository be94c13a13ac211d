#include "lib/store/maildir_append.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace store {
namespace {

constexpr std::size_t buffer_max = 64 * 1024;
constexpr std::size_t one_call_max = 10'000;  // messages of one MULTIAPPEND

// The steps of a draft say 0, or the errno.
Result<void> done(int code, std::string_view what) {
  if (code != 0) return base::Failure(base::Error::system(what, code));
  return {};
}

}  // namespace

Result<void> MaildirAppend::begin(Flags flags, std::optional<Stamp> internal_date) {
  TRY(finish_draft());
  if (drafts_.size() >= one_call_max) return base::fail("too many messages at once", EFBIG);
  Draft draft{.file = {}, .base = new_base_name(target_.around_.host), .flags = flags, .date = internal_date};
  TRY(done(draft.file.create(target_.drafts_, draft.base), "make message"));
  drafts_.push_back(std::move(draft));
  ends_with_cr_ = false;
  return {};
}

Result<void> MaildirAppend::write(std::string_view bytes) {
  // A CR is written when what follows is known: not before an LF.
  while (!bytes.empty()) {
    if (ends_with_cr_) {
      ends_with_cr_ = false;
      if (bytes[0] != '\n') buffer_ += '\r';
    }
    const auto* cr = static_cast<const char*>(std::memchr(bytes.data(), '\r', bytes.size()));
    const std::size_t plain = cr == nullptr ? bytes.size() : static_cast<std::size_t>(cr - bytes.data());
    buffer_ += bytes.substr(0, plain);
    bytes.remove_prefix(plain);
    if (!bytes.empty()) {
      bytes.remove_prefix(1);
      ends_with_cr_ = true;
    }
    if (buffer_.size() >= buffer_max) TRY(flush());
  }
  return {};
}

Result<void> MaildirAppend::flush() {
  if (buffer_.empty()) return {};
  TRY(done(drafts_.back().file.write(buffer_), "write message"));
  buffer_.clear();
  return {};
}

Result<void> MaildirAppend::finish_draft() {
  if (drafts_.empty() || !drafts_.back().file.file()) return {};
  if (ends_with_cr_) buffer_ += '\r';
  ends_with_cr_ = false;
  TRY(flush());
  Draft& draft = drafts_.back();
  if (draft.date) {
    const auto since = draft.date->time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const timespec time{static_cast<time_t>(seconds.count()),
                        static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count())};
    const timespec times[2] = {time, time};
    if (::futimens(draft.file.file().get(), times) != 0) return base::fail_system("set the date of a message");
  }
  TRY(done(draft.file.settle(), "write message"));
  TRY(done(draft.file.close(), "write message"));
  draft.base += draft.file.sizes();
  return {};
}

Result<std::vector<Uid>> MaildirAppend::commit() {
  TRY(finish_draft());
  std::int64_t bytes = 0;
  for (const Draft& draft : drafts_) bytes += static_cast<std::int64_t>(draft.file.size());
  const auto count = static_cast<std::int64_t>(drafts_.size());
  if (target_.around_.quota != nullptr) TRY(target_.around_.quota->check(bytes - freed_.bytes, count - freed_.messages));
  if (drafts_.empty()) return std::vector<Uid>{};

  std::vector<std::pair<Uid, std::uint64_t>> more;
  std::vector<Uid> uids;
  {
    const auto lock = TRY(target_.lock_uidlist());
    const auto end = TRY(target_.end_of_uidlist());
    if (end.next >= UINT32_MAX - drafts_.size()) return base::fail("no more UIDs", ENOSPC);
    const bool was_current = target_.is_current(end);
    std::vector<Maildir::Adopted> added;
    std::vector<Maildir::NewLine> lines;
    for (const Draft& draft : drafts_) lines.push_back({end.next + static_cast<Uid>(lines.size()), draft.base});
    target_.about_to_change();
    TRY(target_.append_to_uidlist(lines));
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      const std::string name = drafts_[i].name();
      if (const int code = drafts_[i].file.move_to(target_.cur_, name); code != 0) {
        for (std::size_t j = 0; j < i; ++j) ::unlinkat(target_.cur_.get(), drafts_[j].name().c_str(), 0);
        return base::Failure(base::Error::system("link to maildir file", code));
      }
      uids.push_back(lines[i].uid);
      added.push_back({lines[i].uid, name, drafts_[i].flags, {}});
      if ((drafts_[i].flags.keywords & ~letter_bits) != 0) more.emplace_back(lines[i].uid, drafts_[i].flags.keywords);
    }
    target_.take_own(was_current, added);
    if (::fsync(target_.cur_.get()) != 0) return base::fail_system("fsync maildir");
  }
  TRY(target_.save_more_keywords(more));
  if (target_.around_.quota != nullptr) static_cast<void>(target_.around_.quota->note(bytes, count).has_value());
  return uids;
}

Result<std::unique_ptr<Append>> Maildir::append() {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("append", EROFS));
  return std::make_unique<MaildirAppend>(*this);
}

}  // namespace store
