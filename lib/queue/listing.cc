#include "lib/queue/listing.h"

#include <algorithm>
#include <map>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/queue/log_file.h"
#include "lib/queue/message.h"

namespace queue {
namespace {

constexpr std::size_t name_limit = 100;
constexpr std::size_t value_limit = 64 * 1024;
constexpr std::string_view null_sender_name = "MAILER-DAEMON";

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

void attribute(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += '\0';
  out += value.substr(0, value.find('\0'));
  out += '\0';
}

void list_directory(const std::string& path, int depth, std::vector<QueueId>& out) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (depth > 0 && name.size() == 1 && name != ".") {
      list_directory(path + name + "/", depth - 1, out);
    } else if (auto id = QueueId::parse(name)) {
      out.push_back(std::move(*id));
    }
  }
}

// Why each recipient waits: from the defer log, else the bounce log.
std::map<std::string, std::string> reasons(const Layout& layout, const QueueId& id) {
  std::map<std::string, std::string> out;
  for (const Queue log : {Queue::defer, Queue::bounce}) {
    auto reader = LogReader::open(layout, log, id);
    if (!reader || !*reader) continue;
    for (;;) {
      const auto status = (*reader)->next();
      if (!status || !*status) break;
      out.insert_or_assign((*status)->recipient, (*status)->reason);
    }
    break;
  }
  return out;
}

// What a file says may be of any length; the reader of a listing takes no more than this, or would take it for broken.
std::string_view shown(std::string_view text) { return text.substr(0, value_limit - 1); }

Result<std::string> word(io::Stream& stream, Deadline deadline, std::size_t limit) {
  const io::LineResult text = stream.read_until('\0', deadline, limit);
  if (!text) return base::fail("the queue listing ends in the middle");
  return std::string(text.text());
}

}  // namespace

std::vector<QueueId> list_ids(const Layout& layout, Queue queue) {
  std::vector<QueueId> out;
  list_directory(layout.directory(queue), layout.is_hashed(queue) ? layout.hash_depth() : 0, out);
  return out;
}

std::optional<Listed> read_listed(const Layout& layout, Queue queue, const QueueId& id) {
  const Fd file(::open(layout.path(queue, id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & S_IXUSR) == 0) return std::nullopt;
  const auto message = read_message(file.get(), Wanted::todo, listed_recipients_limit);
  if (!message) return std::nullopt;
  const Stamp arrived = message->created.value_or(message->arrived);
  Listed out{.queue_name = std::string(name(queue)),
             .id = id.text(),
             .time = std::chrono::duration_cast<std::chrono::seconds>(arrived.time_since_epoch()).count(),
             .size = message->content_size > 0 ? message->content_size : static_cast<std::int64_t>(status.st_size),
             .forced_expire = (status.st_mode & mode_force_expired) != 0 && queue != Queue::maildrop,
             .sender = message->sender.empty() ? std::string(null_sender_name) : mail::to_external(message->sender),
             .recipients = {}};
  const std::map<std::string, std::string> why = reasons(layout, id);
  for (const Recipient& recipient : message->recipients) {
    const auto reason = why.find(recipient.address);
    out.recipients.push_back({mail::to_external(recipient.address), reason == why.end() ? "" : reason->second});
  }
  if (!message->redirect.empty()) {
    const auto reason = why.find(message->redirect);
    out.recipients.push_back({mail::to_external(message->redirect), reason == why.end() ? "" : reason->second});
  }
  return out;
}

void encode_listing_start(std::string& out) {
  attribute(out, "protocol", listing_protocol);
  out += '\0';
}

void encode(std::string& out, const Listed& message) {
  attribute(out, "queue_name", message.queue_name);
  attribute(out, "queue_id", message.id);
  attribute(out, "time", std::to_string(message.time));
  attribute(out, "size", std::to_string(message.size));
  attribute(out, "forced_expire", message.forced_expire ? "1" : "0");
  attribute(out, "sender", shown(message.sender));
  for (const ListedRecipient& recipient : message.recipients) {
    attribute(out, "recipient", shown(recipient.address));
    if (!recipient.reason.empty()) attribute(out, "reason", shown(recipient.reason));
  }
  out += '\0';
}

void encode_listing_end(std::string& out) { out += '\0'; }

Result<void> read_listing_start(io::Stream& stream, Deadline deadline) {
  for (;;) {
    const std::string name = TRY(word(stream, deadline, name_limit));
    if (name.empty()) return {};
    TRY(word(stream, deadline, value_limit));
  }
}

Result<std::optional<Listed>> read_listing_next(io::Stream& stream, Deadline deadline) {
  Listed out;
  bool empty = true;
  for (;;) {
    const std::string name = TRY(word(stream, deadline, name_limit));
    if (name.empty()) break;
    const std::string value = TRY(word(stream, deadline, value_limit));
    empty = false;
    const auto number = [&] { return static_cast<std::int64_t>(ascii::parse_number(value, INT64_MAX).value_or(0)); };
    if (name == "queue_name") out.queue_name = value;
    if (name == "queue_id") out.id = value;
    if (name == "time") out.time = number();
    if (name == "size") out.size = number();
    if (name == "forced_expire") out.forced_expire = value == "1";
    if (name == "sender") out.sender = value;
    if (name == "recipient") out.recipients.push_back({value, ""});
    if (name == "reason" && !out.recipients.empty()) out.recipients.back().reason = value;
    if (out.recipients.size() > listed_recipients_limit) return base::fail("too many recipients in the queue listing");
  }
  if (empty) return std::nullopt;
  return out;
}

}  // namespace queue
