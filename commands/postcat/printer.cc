#include "commands/postcat/printer.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/queue/record.h"
#include "lib/queue/record_reader.h"

namespace postcat {

using queue::RecordType;

namespace {

struct Name {
  RecordType type;
  std::string_view name;
};
// As scripts know them.
constexpr std::array names{
    Name{RecordType::size, "message_size"},
    Name{RecordType::time, "message_arrival_time"},
    Name{RecordType::create_time, "queue_file_create_time"},
    Name{RecordType::fullname, "sender_fullname"},
    Name{RecordType::inspector, "content_inspector"},
    Name{RecordType::filter, "content_filter"},
    Name{RecordType::sender, "sender"},
    Name{RecordType::done, "done_recipient"},
    Name{RecordType::recipient, "recipient"},
    Name{RecordType::original_recipient, "original_recipient"},
    Name{RecordType::cancelled, "canceled_recipient"},
    Name{RecordType::warn_time, "warning_message_time"},
    Name{RecordType::attribute, "named_attribute"},
    Name{RecordType::killed, "killed_record"},
    Name{RecordType::redirect, "redirect_to"},
    Name{RecordType::flags, "flags"},
    Name{RecordType::return_receipt, "return_receipt"},
    Name{RecordType::errors_to, "errors_to"},
    Name{RecordType::priority, "priority"},
    Name{RecordType::pointer, "pointer_record"},
    Name{RecordType::verp, "verp_delimiters"},
    Name{RecordType::dsn_ret, "dsn_return_flags"},
    Name{RecordType::dsn_envid, "dsn_envelope_id"},
    Name{RecordType::dsn_orcpt, "dsn_original_recipient"},
    Name{RecordType::dsn_notify, "dsn_notify_flags"},
    Name{RecordType::normal, "regular_text"},
};
// What may be the first record: the envelope's.
constexpr std::string_view first_types = "CTcFILSDRO/WAK>fMreVP<iond";

std::string_view name_of(RecordType type) {
  for (const Name& entry : names) {
    if (entry.type == type) return entry.name;
  }
  return "unknown_record_type";
}

constexpr std::uint64_t file_offset_limit = std::uint64_t{1} << 60;

// A time record as people read it: "Tue Nov 24 03:10:26 2026".
std::string local_time(std::string_view data) {
  const auto words = ascii::split(data, " ");
  const auto seconds = words.empty() ? std::nullopt : ascii::parse_number(words.front(), INT64_MAX);
  const std::time_t time = static_cast<std::time_t>(seconds.value_or(0));
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &local)};
}

enum class Part { envelope, headers, body, extracted };

class Printer {
 public:
  Printer(std::string name, const Choice& choice) : name_(std::move(name)), choice_(choice) {}

  Result<void> run(queue::RecordReader& reader, std::int64_t file_size) {
    bool first = choice_.start == 0;
    while (reader.position() < file_size) {
      const auto item = choice_.raw ? reader.next_raw() : reader.next();
      if (!item) {
        // A pointer may have led to the end of the file.
        if (reader.position() >= file_size) break;
        return base::Failure(item.error());
      }
      if (std::exchange(first, false)) separator("ENVELOPE RECORDS", 0, RecordType::size, false);
      if (show(*item)) return {};
      if (item->type == RecordType::message_start && skips_content() && content_end_) reader.seek(*content_end_);
    }
    return {};
  }

 private:
  // True after the end record.
  bool show(const queue::RecordReader::Item& item) {
    if (item.type == RecordType::message_start && part_ == Part::envelope) {
      part_ = Part::headers;
      separator("MESSAGE CONTENTS", item.offset, item.type, true);
    } else if (item.type == RecordType::extracted) {
      part_ = Part::extracted;
      separator("HEADER EXTRACTED", item.offset, item.type, true);
    } else if (item.type == RecordType::end) {
      separator("MESSAGE FILE END", item.offset, item.type, true);
      return true;
    } else if (part_ == Part::headers || part_ == Part::body) {
      content(item);
    } else if (shows_envelope()) {
      envelope(item);
    }
    return false;
  }

  void content(const queue::RecordReader::Item& item) {
    if (item.type != RecordType::normal && item.type != RecordType::continued) {
      if (shows_envelope()) envelope(item);
      return;
    }
    if (part_ == Part::headers && !line_goes_on_ && is_body_start(item.data)) part_ = Part::body;
    const bool shown = part_ == Part::headers ? shows_headers() : shows_body();
    if (shown) {
      prefix(item.offset, item.type, !line_goes_on_);
      if (choice_.names_content && !line_goes_on_) {
        std::fputs(item.type == RecordType::continued ? "unterminated_text: " : "regular_text: ", stdout);
      }
      std::fwrite(item.data.data(), 1, item.data.size(), stdout);
      if (item.type == RecordType::normal) std::fputc('\n', stdout);
    }
    line_goes_on_ = item.type == RecordType::continued;
  }

  // A header line has a name and a colon, or continues the one before.
  static bool is_body_start(std::string_view line) {
    const bool is_folded = line.starts_with(' ') || line.starts_with('\t');
    const std::size_t colon = line.find(':');
    const bool is_header = colon != std::string_view::npos && colon > 0 && line.substr(0, colon).find_first_of(" \t") == std::string_view::npos;
    return !is_folded && !is_header;
  }

  void envelope(const queue::RecordReader::Item& item) {
    if (item.type == RecordType::dead_space) return;
    if (item.type == RecordType::attribute && !is_attribute(item.data)) return;
    prefix(item.offset, item.type, true);
    constexpr std::string_view created = "create_time=";
    if (item.type == RecordType::attribute && item.data.starts_with(created)) {
      std::fputs(fmt::format("create_time: {}\n", local_time(item.data.substr(created.size()))).c_str(), stdout);
      return;
    }
    const bool is_time = item.type == RecordType::time || item.type == RecordType::warn_time;
    const std::string text = is_time ? local_time(item.data) : std::string(item.data);
    std::fputs(fmt::format("{}: {}\n", name_of(item.type), text).c_str(), stdout);
    if (item.type == RecordType::size) take_sizes(item.data);
  }

  bool is_attribute(std::string_view data) const {
    const std::size_t equals = data.find('=');
    if (equals == 0 || data.empty()) warn(name_ + ": malformed attribute: missing attribute name: ", data);
    else if (equals == std::string_view::npos) warn(name_ + ": malformed attribute: missing '=' after attribute name: ", data);
    else return true;
    return false;
  }

  // How much content there is and where it begins.
  void take_sizes(std::string_view data) {
    const auto words = ascii::split(data, " ");
    const auto size = words.size() < 2 ? std::nullopt : ascii::parse_number(words[0], file_offset_limit);
    const auto start = words.size() < 2 ? std::nullopt : ascii::parse_number(words[1], file_offset_limit);
    if (size && start) content_end_ = static_cast<std::int64_t>(*size + *start);
    else warn("invalid size record: ", data);
  }

  static void warn(const std::string& what, std::string_view data) {
    std::fflush(stdout);
    maillog::warning("{}{}", what, ascii::printable(data));
  }

  void separator(std::string_view title, std::int64_t offset, RecordType type, bool with_prefix) {
    if (!shows_envelope()) return;
    if (with_prefix) prefix(offset, type, true);
    std::fputs(fmt::format("*** {} {} ***\n", title, name_).c_str(), stdout);
  }

  void prefix(std::int64_t offset, RecordType type, bool at_line_start) {
    if (!at_line_start) return;
    if (choice_.names_file) std::fputs(fmt::format("{}: ", name_).c_str(), stdout);
    if (choice_.offsets) std::fputs(fmt::format("{:>9} ", offset).c_str(), stdout);
    if (choice_.decimal_types) std::fputs(fmt::format("{:>3} ", static_cast<int>(type)).c_str(), stdout);
  }

  [[nodiscard]] bool shows_all() const { return !choice_.envelope && !choice_.headers && !choice_.body; }
  [[nodiscard]] bool shows_envelope() const { return shows_all() || choice_.envelope; }
  [[nodiscard]] bool skips_content() const { return !shows_headers() && !shows_body() && !choice_.raw; }
  [[nodiscard]] bool shows_headers() const { return shows_all() || choice_.headers; }
  [[nodiscard]] bool shows_body() const { return shows_all() || choice_.body; }

  std::string name_;
  const Choice& choice_;
  Part part_ = Part::envelope;
  std::optional<std::int64_t> content_end_;   // as the first record says
  bool line_goes_on_ = false;
};

}  // namespace

Result<void> print(int fd, const std::string& name, const Choice& choice) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return base::fail_system("fstat");
  if (!S_ISREG(status.st_mode)) return base::fail(std::string(not_a_queue_file));
  if (status.st_size == 0) return {};  // there is nothing to print
  char first = 0;
  if (choice.start == 0 && (::pread(fd, &first, 1, 0) != 1 || !first_types.contains(first))) {
    return base::fail(std::string(not_a_queue_file));
  }
  queue::RecordReader reader(fd, choice.start, queue::RecordReader::Types::any);
  return Printer(name, choice).run(reader, status.st_size);
}

}  // namespace postcat
