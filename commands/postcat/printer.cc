#include "commands/postcat/printer.h"

#include <array>
#include <cstdio>
#include <ctime>

#include <fmt/core.h>
#include <sys/stat.h>

#include "lib/base/ascii.h"
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
    Name{RecordType::create_time, "create_time"},
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
    Name{RecordType::killed, "killed"},
    Name{RecordType::redirect, "redirect_to"},
    Name{RecordType::flags, "flags"},
    Name{RecordType::delay, "delay"},
    Name{RecordType::dead_space, "padding"},
    Name{RecordType::return_receipt, "return_receipt"},
    Name{RecordType::errors_to, "errors_to"},
    Name{RecordType::priority, "priority"},
    Name{RecordType::pointer, "pointer_record"},
    Name{RecordType::verp, "verp_delimiters"},
    Name{RecordType::milter_count, "milter_count"},
};

std::string_view name_of(RecordType type) {
  for (const Name& entry : names) {
    if (entry.type == type) return entry.name;
  }
  return "unknown_record";
}

// A time record as people read it: "Tue Nov 24 03:10:26 2026".
std::string local_time(std::string_view data) {
  const auto words = ascii::split(data, " ");
  const auto seconds = words.empty() ? std::nullopt : ascii::parse_number(words.front(), INT64_MAX);
  if (!seconds) return std::string(data);
  const std::time_t time = static_cast<std::time_t>(*seconds);
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &local)};
}

enum class Part { envelope, headers, body, extracted };

class Printer {
 public:
  Printer(std::string name, const Choice& choice) : name_(std::move(name)), choice_(choice) {}

  Result<void> run(queue::RecordReader& reader) {
    bool first = true;
    for (;;) {
      auto item = choice_.raw ? reader.next_raw() : reader.next();
      if (!item && !first) return base::Failure(std::move(item).error());
      if (std::exchange(first, false)) {
        if (!item || (item->type != RecordType::size && item->type != RecordType::time)) {
          return base::fail("input is not a valid queue file");
        }
        separator("ENVELOPE RECORDS", 0, RecordType::size, false);
      }
      if (show(*item)) return {};
    }
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
    if (item.type != RecordType::normal && item.type != RecordType::continued) return;  // pointers and padding
    if (part_ == Part::headers && !line_goes_on_ && is_body_start(item.data)) part_ = Part::body;
    const bool shown = part_ == Part::headers ? shows_headers() : shows_body();
    if (shown) {
      prefix(item.offset, item.type, !line_goes_on_);
      std::fwrite(item.data.data(), 1, item.data.size(), stdout);
      if (item.type == RecordType::normal) std::fputc('\n', stdout);
    }
    line_goes_on_ = item.type == RecordType::continued;
  }

  // A header line has a name and a colon, or continues the one before.
  bool is_body_start(std::string_view line) {
    const bool is_folded = !first_header_ && (line.starts_with(' ') || line.starts_with('\t'));
    const std::size_t colon = line.find(':');
    const bool is_header = colon != std::string_view::npos && colon > 0 && line.substr(0, colon).find_first_of(" \t") == std::string_view::npos;
    first_header_ = false;
    return !is_folded && !is_header;
  }

  void envelope(const queue::RecordReader::Item& item) {
    prefix(item.offset, item.type, true);
    constexpr std::string_view created = "create_time=";
    if (item.type == RecordType::attribute && item.data.starts_with(created)) {
      std::fputs(fmt::format("create_time: {}\n", local_time(item.data.substr(created.size()))).c_str(), stdout);
      return;
    }
    const bool is_time = item.type == RecordType::time || item.type == RecordType::create_time || item.type == RecordType::warn_time;
    const std::string text = is_time ? local_time(item.data) : std::string(item.data);
    std::fputs(fmt::format("{}: {}\n", name_of(item.type), text).c_str(), stdout);
  }

  void separator(std::string_view title, std::int64_t offset, RecordType type, bool with_prefix) {
    if (!shows_envelope()) return;
    if (with_prefix) prefix(offset, type, true);
    std::fputs(fmt::format("*** {} {} ***\n", title, name_).c_str(), stdout);
  }

  void prefix(std::int64_t offset, RecordType type, bool at_line_start) {
    if (!at_line_start) return;
    if (choice_.offsets) std::fputs(fmt::format("{:>9} ", offset).c_str(), stdout);
    if (choice_.decimal_types) std::fputs(fmt::format("{:>3} ", static_cast<int>(type)).c_str(), stdout);
  }

  [[nodiscard]] bool shows_all() const { return !choice_.envelope && !choice_.headers && !choice_.body; }
  [[nodiscard]] bool shows_envelope() const { return shows_all() || choice_.envelope; }
  [[nodiscard]] bool shows_headers() const { return shows_all() || choice_.headers; }
  [[nodiscard]] bool shows_body() const { return shows_all() || choice_.body; }

  std::string name_;
  const Choice& choice_;
  Part part_ = Part::envelope;
  bool first_header_ = true;
  bool line_goes_on_ = false;
};

}  // namespace

Result<void> print(int fd, const std::string& name, const Choice& choice) {
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0) return {};  // there is nothing to print
  queue::RecordReader reader(fd);
  return Printer(name, choice).run(reader);
}

}  // namespace postcat
