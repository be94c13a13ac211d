#include "lib/store/maildir_append.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/mailbox/maildir.h"

namespace store {
namespace {

constexpr std::size_t buffer_max = 64 * 1024;
constexpr std::size_t one_call_max = 10'000;  // messages of one MULTIAPPEND

}  // namespace

MaildirAppend::~MaildirAppend() {
  if (committed_) return;
  for (const Draft& draft : drafts_) ::unlinkat(target_.drafts_.get(), draft.name.c_str(), 0);
}

Result<void> MaildirAppend::begin(Flags flags, std::optional<Stamp> internal_date) {
  TRY(finish_draft());
  if (drafts_.size() >= one_call_max) return base::fail("too many messages at once", EFBIG);
  Draft draft;
  draft.name = new_base_name(target_.around_.host);
  draft.flags = flags;
  draft.date = internal_date;
  file_ = TRY(open_in(target_.drafts_, draft.name, O_CREAT | O_EXCL | O_WRONLY));
  drafts_.push_back(std::move(draft));
  ends_with_cr_ = false;
  last_ = '\n';
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
  Draft& draft = drafts_.back();
  draft.size += buffer_.size();
  draft.wire_size += buffer_.size() + static_cast<std::uint64_t>(std::ranges::count(buffer_, '\n'));
  TRY(write_fully(file_, buffer_, "message"));
  buffer_.clear();
  return {};
}

Result<void> MaildirAppend::finish_draft() {
  if (!file_) return {};
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
    if (::futimens(file_.get(), times) != 0) return base::fail_system("set the date of a message");
  }
  if (const int code = mailbox::settle_content(file_); code != 0) return base::Failure(base::Error::system("write message", code));
  TRY(file_.close());
  draft.base = fmt::format("{},S={},W={}", draft.name, draft.size, draft.wire_size);
  return {};
}

Result<std::vector<Uid>> MaildirAppend::commit() {
  TRY(finish_draft());
  std::int64_t bytes = 0;
  for (const Draft& draft : drafts_) bytes += static_cast<std::int64_t>(draft.size);
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
      const std::string name = file_name(drafts_[i].base, {drafts_[i].flags.system, drafts_[i].flags.keywords & letter_bits});
      if (::renameat2(target_.drafts_.get(), drafts_[i].name.c_str(), target_.cur_.get(), name.c_str(), RENAME_NOREPLACE) != 0) {
        const int code = errno;
        for (std::size_t j = 0; j < i; ++j) {
          ::unlinkat(target_.cur_.get(), file_name(drafts_[j].base, {drafts_[j].flags.system, drafts_[j].flags.keywords & letter_bits}).c_str(), 0);
        }
        return base::Failure(base::Error::system("link to maildir file", code));
      }
      uids.push_back(lines[i].uid);
      added.push_back({lines[i].uid, name, drafts_[i].flags, {}});
      if ((drafts_[i].flags.keywords & ~letter_bits) != 0) more.emplace_back(lines[i].uid, drafts_[i].flags.keywords);
    }
    committed_ = true;
    if (was_current) target_.adopt(added);
    else ++*target_.changes_;
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
