#pragma once
// What the tests of this folder deliver: a message in a queue file, and a directory of their own.

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "lib/mailbox/content.h"
#include "lib/queue/record.h"

namespace mailbox {

class TestDirectory {
 public:
  TestDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "mailbox-test-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write_whole(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
}

// The content records of `text` (lines end with '\n'), in a file that goes away.
class TestMessage {
 public:
  explicit TestMessage(std::string_view text, std::size_t longest_record = 2048) {
    std::string records;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      for (; line.size() > longest_record; line.remove_prefix(longest_record)) {
        queue::append_record(records, queue::RecordType::continued, line.substr(0, longest_record));
      }
      queue::append_record(records, end == std::string_view::npos ? queue::RecordType::continued : queue::RecordType::normal, line);
    }
    queue::append_record(records, queue::RecordType::extracted, "");
    queue::append_record(records, queue::RecordType::end, "");
    std::string name = std::filesystem::temp_directory_path() / "mailbox-message-XXXXXX";
    file_ = Fd(::mkstemp(name.data()));
    ::unlink(name.c_str());
    static_cast<void>(::write(file_.get(), records.data(), records.size()) == 0);
  }
  [[nodiscard]] int fd() const { return file_.get(); }
  [[nodiscard]] Content content(Format format) const { return Content(file_.get(), 0, heading(), format); }
  static Heading heading() {
    return {"s@sender.example", "alice+x", "alice+x@example.test", Stamp(std::chrono::seconds(1795502642))};
  }

 private:
  Fd file_;
};

inline std::string all_of(Content content) {
  std::string text;
  for (;;) {
    const auto bytes = content.next();
    if (!bytes || bytes->empty()) return text;
    text += *bytes;
  }
}

}  // namespace mailbox
