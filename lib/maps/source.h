#pragma once
// The source of an indexed table, and a texthash table: lines "key whitespace value" (postmap(1)). A key with white
// space is in double quotes, which stay part of the key.

#include <optional>
#include <string_view>

#include "lib/maps/logical_lines.h"

namespace maps {

struct SourceEntry {
  std::string_view key, value;  // live until the next call
  int line;
};

struct SourceOptions {
  bool utf8 = false;                    // lines that are not UTF-8 are ignored
  std::string_view after_bad_format{};  // behind "expected format: key whitespace value"
};

class MapSource {
 public:
  // Both texts must outlive this.
  MapSource(std::string_view text, std::string_view file, const SourceOptions& options)
      : lines_(text, file), file_(file), options_(options) {}
  // The next good entry; bad lines are passed over with a warning.
  [[nodiscard]] std::optional<SourceEntry> next();

 private:
  std::optional<SourceEntry> parse(const LogicalLine& line) const;

  LogicalLines lines_;
  std::string_view file_;
  SourceOptions options_;
};

// Whether a line may be used: logs the warning of the reference when it is not UTF-8.
[[nodiscard]] bool check_source_line(const LogicalLine& line, std::string_view file, bool utf8);

}  // namespace maps
