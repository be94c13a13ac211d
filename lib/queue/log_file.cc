#include "lib/queue/log_file.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/mail/address.h"
#include "lib/queue/lock.h"

namespace queue {
namespace {

constexpr std::chrono::seconds lock_wait{60};
constexpr std::size_t line_limit = 64 * 1024;  // bytes kept of one line; the rest is dropped
constexpr std::size_t chunk = 16 * 1024;

void append_line(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out += fmt::format("{}={}\n", name, ascii::printable(value));
}

constexpr std::string_view no_reason = "(description unavailable)";  // of a route that is a code alone: "error:5.1.1"

// Takes one name=value line. Names that we do not know come from other versions and are ignored.
void take_attribute(std::string_view line, ipc::RecipientStatus& status) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view name = line.substr(0, equals);
  const std::string_view value = line.substr(equals + 1);
  const auto number = [&] { return ascii::parse_number(value, std::numeric_limits<std::int64_t>::max()); };
  if (name == "recipient") status.recipient = mail::to_internal(value);
  else if (name == "original_recipient") status.original_recipient = mail::to_internal(value);
  else if (name == "dsn_orig_rcpt") status.dsn_orig_rcpt = value;
  else if (name == "notify_flags") status.notify_flags = static_cast<int>(number().value_or(0) & 0xffff);
  else if (name == "offset") status.offset = static_cast<std::int64_t>(number().value_or(0));
  else if (name == "status") status.status = value;
  else if (name == "action") status.action = value;
  else if (name == "diag_type") status.diag_type = value;
  else if (name == "diag_text") status.diag_text = value;
  else if (name == "mta_type") status.mta_type = value;
  else if (name == "mta_mname") status.mta_mname = value;
  else if (name == "reason") status.reason = value;
}

// "<address>: reason", as logs had it before they had attributes. The address is in external form.
void take_old_line(std::string_view line, ipc::RecipientStatus& status) {
  const std::size_t end = line.find(">: ");
  if (!line.starts_with('<') || end == std::string_view::npos) return;
  status.recipient = mail::to_internal(line.substr(1, end - 1));
  status.reason = line.substr(end + 3);
}

Result<void> append_at_end(const Fd& file, std::string_view text, Durability durability, bool& created) {
  struct stat status {};
  if (fstat(file.get(), &status) < 0) return base::fail_system("stat log");
  created = status.st_size == 0;
  const ssize_t count = pwrite(file.get(), text.data(), text.size(), status.st_size);
  const int error = count < 0 ? errno : ENOSPC;
  if (count == static_cast<ssize_t>(text.size())) {
    if (durability == Durability::none) return {};
    auto synced = event::fsync(file);
    if (synced) return {};
    static_cast<void>(ftruncate(file.get(), status.st_size) == 0);
    return synced;
  }
  // Half a paragraph would run into the next one.
  static_cast<void>(ftruncate(file.get(), status.st_size) == 0);
  return base::Failure(base::Error::system("write", error));
}

}  // namespace

std::string status_text(const ipc::RecipientStatus& status, OldLine old_line) {
  const std::string recipient = mail::to_external(status.recipient);
  std::string out = "\n";
  if (old_line == OldLine::yes) out += fmt::format("<{}>: {}\n", ascii::printable(recipient), ascii::printable(status.reason));
  append_line(out, "recipient", recipient);
  if (status.original_recipient != status.recipient) {
    append_line(out, "original_recipient", mail::to_external(status.original_recipient));
  }
  if (status.offset > 0) out += fmt::format("offset={}\n", status.offset);
  append_line(out, "dsn_orig_rcpt", status.dsn_orig_rcpt);
  if (status.notify_flags != 0) out += fmt::format("notify_flags={}\n", status.notify_flags);
  append_line(out, "status", status.status);
  append_line(out, "action", status.action);
  if (!status.diag_type.empty() && !status.diag_text.empty()) {
    append_line(out, "diag_type", status.diag_type);
    append_line(out, "diag_text", status.diag_text);
  }
  if (!status.mta_type.empty() && !status.mta_mname.empty()) {
    append_line(out, "mta_type", status.mta_type);
    append_line(out, "mta_mname", status.mta_mname);
  }
  append_line(out, "reason", status.reason);
  out += '\n';
  return out;
}

Result<void> append_status(const Layout& layout, Queue log, const QueueId& id, const ipc::RecipientStatus& status,
                           Durability durability, OldLine old_line) {
  const std::string path = layout.path(log, id);
  constexpr int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  Fd file(::open(path.c_str(), flags, mode_log));
  if (!file && errno == ENOENT && layout.is_hashed(log)) {
    TRY(layout.make_directories(log, id));
    file = Fd(::open(path.c_str(), flags, mode_log));
  }
  if (!file) return base::fail_system("open " + path);
  TRY(lock_file(file, base::after(lock_wait)));
  bool created = false;
  if (auto appended = append_at_end(file, status_text(status, old_line), durability, created); !appended) {
    return base::Failure(std::move(appended).error().within(path));
  }
  if (created && durability == Durability::disk) {
    const std::string parent = path.substr(0, path.rfind('/'));
    const Fd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return base::fail_system("open " + parent);
    TRY(event::fsync(directory));
  }
  return {};
}

Result<std::optional<LogReader>> LogReader::open(const Layout& layout, Queue log, const QueueId& id) {
  const std::string path = layout.path(log, id);
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return base::fail_system("open " + path);
  return LogReader(std::move(file));
}

Result<std::optional<std::string>> LogReader::line() {
  std::string out;
  for (;;) {
    const std::size_t end = buffer_.find('\n', at_);
    const std::size_t length = std::min(end, buffer_.size()) - at_;
    out.append(buffer_, at_, std::min(length, line_limit - std::min(out.size(), line_limit)));
    if (end != std::string::npos) {
      at_ = end + 1;
      return out;
    }
    if (eof_) {
      at_ = buffer_.size();
      if (out.empty()) return std::nullopt;
      return out;
    }
    buffer_.resize(chunk);
    at_ = 0;
    const ssize_t count = pread(file_.get(), buffer_.data(), chunk, offset_);
    if (count < 0) {
      buffer_.clear();
      if (errno == EINTR) continue;
      return base::fail_system("read log");
    }
    buffer_.resize(static_cast<std::size_t>(count));
    offset_ += count;
    eof_ = count == 0;
  }
}

Result<std::optional<ipc::RecipientStatus>> LogReader::next() {
  ipc::RecipientStatus status;
  for (;;) {
    const std::optional<std::string> text = TRY(line());
    if (!text || text->empty()) {
      if (!status.recipient.empty()) {
        if (status.original_recipient.empty()) status.original_recipient = status.recipient;
        if (status.reason.empty()) status.reason = no_reason;
        return status;
      }
      if (!text) return std::nullopt;
      status = {};
    } else if (text->starts_with('<')) {
      take_old_line(*text, status);
    } else {
      take_attribute(*text, status);
    }
  }
}

}  // namespace queue
