#include "lib/queue/message.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/queue/record_reader.h"

namespace queue {
namespace {

constexpr int flags_limit = 0xffff;
constexpr std::string_view warned_time = "             -1";  // %15ld
constexpr std::int64_t warn_data_offset = 2;                // type and length of a W record

template <class Number = std::int64_t>
std::optional<Number> number(std::string_view text, Number max = std::numeric_limits<Number>::max()) {
  const auto value = ascii::parse_number(ascii::trim(text), static_cast<std::uint64_t>(max));
  if (!value) return std::nullopt;
  return static_cast<Number>(*value);
}

// "sec" or "sec usec".
std::optional<Stamp> stamp(std::string_view text) {
  const auto parts = ascii::split(text, " ");
  if (parts.empty()) return std::nullopt;
  const auto seconds = number(parts[0], time_limit);
  const auto usec = parts.size() > 1 ? number<std::int64_t>(parts[1], 999'999) : std::optional<std::int64_t>(0);
  if (!seconds || !usec) return std::nullopt;
  return Stamp(std::chrono::seconds(*seconds) + std::chrono::microseconds(*usec));
}

// Walks over the envelope of one file, twice the same code: for the message and for later batches of recipients.
class EnvelopeReader {
 public:
  EnvelopeReader(int fd, std::int64_t from, Wanted wanted, std::size_t limit)
      : reader_(fd, from), wanted_(wanted), limit_(limit) {}

  // A null message: only recipients are wanted, and reading stops at the limit.
  Result<RecipientBatch> read(Message* message) {
    for (;;) {
      const RecordReader::Item item = TRY(reader_.next());
      if (item.type == RecordType::end) return finish();
      if (item.type == RecordType::message_start) {
        TRY(skip_content(message));
        continue;
      }
      if (item.type == RecordType::extracted) {
        after_content_ = true;
        continue;
      }
      if (TRY(recipient_record(item))) {
        if (message == nullptr && batch_.more != 0) return finish();
      } else if (message != nullptr) {
        TRY(message_record(item, *message));
      }
    }
  }

 private:
  static base::Failure broken(std::string_view what, std::int64_t offset) {
    return base::fail(fmt::format("malformed {} record at offset {}", what, offset));
  }

  RecipientBatch finish() { return std::move(batch_); }

  // The C record says where the content ends. Where it does not (a maildrop file) the content is read over.
  Result<void> skip_content(Message* message) {
    const std::int64_t start = reader_.position();
    if (message != nullptr) {
      if (message->data_offset != 0 && message->data_offset != start) return broken("size", 0);
      message->data_offset = start;
      if (message->content_size > 0 && ends_at(start + message->content_size)) return {};
      reader_.seek(start);
    }
    for (;;) {
      const RecordReader::Item item = TRY(reader_.next());
      if (item.type == RecordType::extracted) break;
      if (item.type != RecordType::normal && item.type != RecordType::continued) {
        return base::fail(fmt::format("unexpected record in the content at offset {}", item.offset));
      }
    }
    after_content_ = true;
    return {};
  }

  bool ends_at(std::int64_t offset) {
    reader_.seek(offset);
    const auto item = reader_.next_raw();
    after_content_ = item && item->type == RecordType::extracted;
    return after_content_;
  }

  // A record that belongs to a recipient: it comes before the recipient, or is it.
  Result<bool> recipient_record(const RecordReader::Item& item) {
    using enum RecordType;
    constexpr std::string_view orcpt_name = "dsn_orig_rcpt=";
    constexpr std::string_view flags_name = "notify_flags=";
    if (item.type == attribute && item.data.starts_with(flags_name)) return notify(item.data.substr(flags_name.size()), item.offset);
    if (item.type == dsn_notify) return notify(item.data, item.offset);
    if (item.type == attribute && item.data.starts_with(orcpt_name)) pending_.dsn_original = item.data.substr(orcpt_name.size());
    else if (item.type == dsn_orcpt) pending_.dsn_original = item.data;
    else if (item.type == original_recipient) pending_.original = item.data;
    else if (item.type == RecordType::recipient) take_recipient(item, RecipientState::todo);
    else if (item.type == done) take_recipient(item, RecipientState::done);
    else if (item.type == cancelled) take_recipient(item, RecipientState::cancelled);
    else return false;
    return true;
  }

  Result<bool> notify(std::string_view data, std::int64_t offset) {
    const auto flags = number<int>(data, flags_limit);
    if (!flags) return broken("notify", offset);
    pending_.notify = *flags;
    return true;
  }

  void take_recipient(const RecordReader::Item& item, RecipientState state) {
    Recipient recipient = std::exchange(pending_, {});
    if (wanted_ == Wanted::todo && state != RecipientState::todo) return;
    if (batch_.recipients.size() == limit_) {
      // The first that does not fit: the next batch starts with the records that belong to it.
      if (batch_.more == 0) batch_.more = resume_;
      return;
    }
    recipient.offset = item.offset;
    recipient.address = item.data;
    recipient.state = state;
    batch_.recipients.push_back(std::move(recipient));
    resume_ = reader_.position();
  }

  // Killed records and those of older versions, which nobody needs any more, are passed over.
  Result<void> message_record(const RecordReader::Item& item, Message& message) {
    using enum RecordType;
    if (item.type == RecordType::size) return take_size(item, message);
    if (item.type == time) return take_time(item, message);
    if (item.type == warn_time) return take_warn_time(item, message);
    if (item.type == attribute) return take_attribute(item, message);
    if (item.type == dsn_ret) return take_dsn_ret(item.data, item.offset, message);
    if (item.type == sender) message.sender = item.data;
    else if (item.type == fullname) message.fullname = item.data;
    else if (item.type == filter) message.filter = item.data;
    else if (item.type == redirect) message.redirect = item.data;
    else if (item.type == verp) message.verp = item.data;
    else if (item.type == dsn_envid) message.dsn_envid = item.data;
    return {};
  }

  static Result<void> take_time(const RecordReader::Item& item, Message& message) {
    const auto time = stamp(item.data);
    if (!time) return broken("time", item.offset);
    message.arrived = *time;
    return {};
  }

  static Result<void> take_warn_time(const RecordReader::Item& item, Message& message) {
    message.warn_offset = item.offset;
    if (item.data == warned_time) return {};
    const auto seconds = number(item.data, time_limit);
    if (!seconds || item.data.size() != warned_time.size()) return broken("warning time", item.offset);
    if (*seconds != 0) message.warn_time = Stamp(std::chrono::seconds(*seconds));
    return {};
  }

  static Result<void> take_dsn_ret(std::string_view data, std::int64_t offset, Message& message) {
    const auto ret = number<int>(data, flags_limit);
    if (!ret) return broken("return", offset);
    message.dsn_ret = *ret;
    return {};
  }

  static Result<void> take_size(const RecordReader::Item& item, Message& message) {
    const auto fields = ascii::split(item.data, " ");
    if (fields.size() < 4) return broken("size", item.offset);  // four before Postfix 3.0
    const auto content_size = number(fields[0]);
    const auto data_offset = number(fields[1]);
    const auto recipients = number(fields[2]);
    const auto flags = number<int>(fields[3]);
    const auto data_size = fields.size() > 4 ? number(fields[4]) : content_size;
    const auto options = fields.size() > 5 ? number<int>(fields[5]) : std::optional<int>(0);
    if (!content_size || !data_offset || !recipients || !flags || !data_size || !options) return broken("size", item.offset);
    constexpr std::int64_t offset_limit = std::numeric_limits<std::int64_t>::max() / 4;
    if (*content_size > offset_limit || *data_offset > offset_limit || *data_size > offset_limit) return broken("size", item.offset);
    message.content_size = *content_size;
    message.data_offset = *data_offset;
    message.recipient_count = *recipients;
    message.queue_flags = *flags;
    message.data_size = *data_size;
    message.send_options = *options;
    return {};
  }

  static Result<void> take_attribute(const RecordReader::Item& item, Message& message) {
    const std::size_t equals = item.data.find('=');
    if (equals == 0 || equals == std::string_view::npos) return broken("attribute", item.offset);
    if (message.attributes.size() == attribute_limit) return base::fail("too many attributes");
    const std::string_view name = item.data.substr(0, equals);
    const std::string_view value = item.data.substr(equals + 1);
    if (name == "encoding") message.encoding = value;
    else if (name == "envelope_id") message.dsn_envid = value;
    else if (name == "create_time") message.created = stamp(value);
    else if (name == "trace_flags") {
      const auto flags = number<int>(value, flags_limit);
      if (!flags) return broken("attribute", item.offset);
      message.trace_flags = *flags;
      message.trace_offset = item.offset;
    } else if (name == "ret_flags") TRY(take_dsn_ret(value, item.offset, message));
    message.attributes.emplace_back(name, value);
    return {};
  }

  RecordReader reader_;
  Wanted wanted_;
  std::size_t limit_;
  RecipientBatch batch_;
  Recipient pending_;          // what is known of the recipient that comes next
  std::int64_t resume_ = 0;    // after the last recipient that was kept
  bool after_content_ = false;
};

}  // namespace

std::string_view Message::attribute(std::string_view wanted) const {
  const auto found = std::ranges::find(attributes.rbegin(), attributes.rend(), wanted,
                                       [](const auto& entry) -> std::string_view { return entry.first; });
  return found == attributes.rend() ? std::string_view() : std::string_view(found->second);
}

Result<Message> read_message(int fd, Wanted wanted, std::size_t recipient_limit) {
  Message message;
  RecipientBatch batch = TRY(EnvelopeReader(fd, 0, wanted, recipient_limit).read(&message));
  if (message.data_offset == 0) return base::fail("queue file has no content");
  message.recipients = std::move(batch.recipients);
  message.more_recipients = batch.more;
  return message;
}

Result<RecipientBatch> read_recipients(int fd, std::int64_t from, Wanted wanted, std::size_t limit) {
  return EnvelopeReader(fd, from, wanted, limit).read(nullptr);
}

Result<void> mark_done(int fd, std::int64_t offset) {
  char type = 0;
  if (pread(fd, &type, 1, offset) != 1) return base::fail_system("read recipient record");
  if (type == static_cast<char>(RecordType::done)) return {};
  if (type != static_cast<char>(RecordType::recipient)) {
    return base::fail(fmt::format("no recipient record at offset {}", offset), EINVAL);
  }
  type = static_cast<char>(RecordType::done);
  if (pwrite(fd, &type, 1, offset) != 1) return base::fail_system("mark recipient as done");
  return {};
}

Result<void> clear_warn_time(int fd, std::int64_t warn_offset) {
  char type = 0;
  if (pread(fd, &type, 1, warn_offset) != 1) return base::fail_system("read warning time record");
  if (type != static_cast<char>(RecordType::warn_time)) return base::fail("no warning time record", EINVAL);
  const ssize_t size = pwrite(fd, warned_time.data(), warned_time.size(), warn_offset + warn_data_offset);
  if (size != static_cast<ssize_t>(warned_time.size())) return base::fail_system("write warning time record");
  return {};
}

Result<void> kill_record(int fd, std::int64_t offset) {
  const char type = static_cast<char>(RecordType::killed);
  if (pwrite(fd, &type, 1, offset) != 1) return base::fail_system("kill record");
  return {};
}

Result<void> set_aside(const Layout& layout, Queue queue, const QueueId& id) {
  const std::string path = layout.path(queue, id);
  if (chmod(path.c_str(), mode_corrupt) < 0) return base::fail_system("change mode of " + path);
  return layout.move(id, queue, Queue::corrupt);
}

}  // namespace queue
