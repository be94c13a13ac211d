#include "submit/pickup/message_file.h"

#include <cerrno>

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/mail/logged_address.h"
#include "lib/mail/date.h"
#include "lib/queue/record_reader.h"
#include "submit/envelope_filter.h"

namespace pickup {
namespace {

using queue::RecordType;

// Records that tell of a message's earlier life in the queue, or of nothing.
bool is_of_the_past(RecordType type) {
  return type == RecordType::size || type == RecordType::done || type == RecordType::cancelled ||
         type == RecordType::dead_space || type == RecordType::pointer || type == RecordType::create_time ||
         type == RecordType::killed || type == RecordType::milter_count || type == RecordType::filter;
}

// They stand in the first records of the file, which is read from its beginning afterwards.
Result<int> read_send_options(const Fd& file) {
  constexpr int records_limit = 2;   // the times' and this one
  int options = 0;
  queue::RecordReader reader(file.get());
  for (int i = 0; i < records_limit; ++i) {
    const auto record = reader.next_raw();
    if (!record) break;   // who copies it will say so
    if (record->type == RecordType::size) options = submit::send_options_in(record->data).value_or(0);
    else if (record->type != RecordType::time) break;
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return base::fail_system("lseek");
  return options;
}

}  // namespace

Result<MessageFile> MessageFile::open(const std::string& name) {
  const std::string path = "maildrop/" + name;
  Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return base::fail_system("open " + path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return base::fail_system("fstat " + path);
  const bool is_complete = S_ISREG(status.st_mode) && (status.st_mode & S_IXUSR) != 0;
  if (!is_complete) return base::fail("not complete: " + path, EAGAIN);
  if (status.st_nlink != 1) {
    maillog::warning("{}: has {} links, left alone", path, status.st_nlink);
    return base::fail("has other names: " + path, EAGAIN);
  }
  const int send_options = TRY(read_send_options(file));
  return MessageFile(name, std::move(file), status.st_uid, Stamp(std::chrono::seconds(status.st_mtime)), send_options);
}

// Passes records on, in the order of the file.
class MessageFile::Copier {
 public:
  Copier(const MessageFile& file, queue::MessageStream& stream, const Identity& identity, std::chrono::seconds timeout)
      : file_(file), stream_(stream), identity_(identity), timeout_(timeout), is_trusted_(file.owner_ == identity.mail_owner) {}

  // False when the message is malformed.
  [[nodiscard]] bool take(RecordType type, std::string_view data) {
    if (is_in_content_) {
      is_in_content_ = type == RecordType::normal || type == RecordType::continued;
      if (!is_in_content_ && type != RecordType::extracted) return false;
      if (!is_trusted_ && filter_.take(type, data).verdict != submit::Verdict::keep) return false;
      add(type, data);
      return true;
    }
    if (type == RecordType::size) was_queued_ = true;
    if (is_of_the_past(type)) return true;
    if (!has_time_) {
      has_time_ = true;
      if (type != RecordType::time) add_time();
    } else if (type == RecordType::time) {
      return true;
    }
    if (type != RecordType::time && !is_allowed(type, data)) return false;
    if (is_skipped_) return true;
    if (type == RecordType::sender) log_sender(data);
    if (type == RecordType::end) {
      is_done_ = true;
      return true;
    }
    add(type, data);
    if (type == RecordType::time && !identity_.content_filter.empty()) add(RecordType::filter, identity_.content_filter);
    if (type == RecordType::message_start) {
      is_in_content_ = true;
      add_received();
    }
    return true;
  }
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] bool is_lost() const { return is_lost_; }

 private:
  // A user's file may only say what postdrop lets a user say, however it came there.
  bool is_allowed(RecordType type, std::string_view data) {
    is_skipped_ = false;
    if (is_trusted_) return type != RecordType::normal && type != RecordType::continued;
    const submit::Judgement judgement = filter_.take(type, data);
    if (judgement.verdict == submit::Verdict::skip) {
      maillog::warning("{}: uid={}: {}", stream_.queue_id(), file_.owner_, judgement.complaint);
    }
    is_skipped_ = judgement.verdict == submit::Verdict::skip;
    return judgement.verdict != submit::Verdict::refuse;
  }

  void add(RecordType type, std::string_view data) {
    if (!stream_.add(type, data, base::after(timeout_))) is_lost_ = true;
  }
  void add_time() {
    add(RecordType::time, fmt::format("{}", std::chrono::system_clock::to_time_t(file_.modified_)));
    if (!identity_.content_filter.empty()) add(RecordType::filter, identity_.content_filter);
  }
  void add_received() {
    add(RecordType::normal, fmt::format("Received: by {} ({}, from userid {})", identity_.myhostname, identity_.mail_name,
                                        file_.owner_));
    add(RecordType::normal, fmt::format("\tid {}; {}", stream_.queue_id(), mail::rfc5322_date(file_.modified_)));
  }
  void log_sender(std::string_view sender) {
    maillog::info("{}: uid={} from=<{}>{}", stream_.queue_id(), file_.owner_, mail::logged_address(sender),
                  is_trusted_ && was_queued_ ? " orig_id=" + file_.name_ : "");
  }

  const MessageFile& file_;
  queue::MessageStream& stream_;
  const Identity& identity_;
  std::chrono::seconds timeout_;
  bool is_trusted_;
  submit::EnvelopeFilter filter_;
  bool has_time_ = false, is_in_content_ = false, is_skipped_ = false, is_done_ = false, is_lost_ = false, was_queued_ = false;
};

MessageFile::Outcome MessageFile::copy(queue::MessageStream& stream, const Identity& identity,
                                       std::chrono::seconds timeout) const {
  Copier copier(*this, stream, identity, timeout);
  queue::RecordReader reader(file_.get());
  while (!copier.is_done()) {
    const auto record = reader.next_raw();
    if (!record) {
      maillog::warning("{}: uid={}: {}", stream.queue_id(), owner_, record.error().message());
      return Outcome::malformed;
    }
    // Postdrop takes no longer ones either.
    if (record->data.size() > identity.line_length_limit && owner_ != identity.mail_owner) {
      maillog::warning("{}: uid={}: illegal length {}, record type {}", stream.queue_id(), owner_, record->data.size(),
                       static_cast<int>(record->type));
      return Outcome::malformed;
    }
    if (!copier.take(record->type, record->data)) {
      maillog::warning("{}: uid={}: unexpected or malformed record type {}", stream.queue_id(), owner_,
                       static_cast<int>(record->type));
      return Outcome::malformed;
    }
    if (copier.is_lost()) return Outcome::stream_lost;
  }
  return Outcome::copied;
}

}  // namespace pickup
