#pragma once
// A table made from text that is read as a whole: texthash, cidr, regexp and pcre. The text is a file, which is read
// again before a lookup when it has changed, or "{ {rule}, {rule} }" in main.cf itself.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include "lib/maps/registry.h"
#include "lib/maps/table.h"

namespace maps {

// The identity and state of a file. A file that is written in place or replaced has another stamp. The time of the last
// status change is no part of it: it also changes when the name goes to another file.
struct FileStamp {
  dev_t device;
  ino_t inode;
  off_t size;
  std::int64_t modified_ns;
  explicit FileStamp(const struct stat& status);
  bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] std::optional<FileStamp> stamp_of(const std::string& path);
[[nodiscard]] Result<FileStamp> stamp_of(int fd);

// What the text said, ready for lookups.
class Rules {
 public:
  Rules() = default;
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;
  virtual ~Rules() = default;
  [[nodiscard]] virtual Found find(std::string_view key) const = 0;
  [[nodiscard]] virtual Result<void> each(const Table::Visitor& visit) const {
    static_cast<void>(visit);
    return base::fail("sequence operation is not supported");
  }
};

// Makes rules of the text; bad lines are skipped with a warning that names `file`.
using CompileRules = std::function<std::unique_ptr<Rules>(std::string_view text, std::string_view file)>;

struct TextTableOptions {
  bool fixed_keys = false;
  bool may_be_inline = true;         // "{ {rule} }" instead of a path
  std::string_view open_context;     // in front of the path when opening fails: "open", "open database"
};

[[nodiscard]] OpenResult make_text_table(const OpenRequest& request, const TextTableOptions& options, CompileRules compile);

inline constexpr std::size_t text_size_limit = 256 * 1024 * 1024;  // bytes of one table file

// The whole of a file.
[[nodiscard]] Result<std::string> read_text_file(int fd, std::size_t limit);

}  // namespace maps
