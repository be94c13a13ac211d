#pragma once
// Maildir++ quota: the file maildirsize in the root of a Maildir. Its first line is the limit ("10000000S,1000C"), each
// other one a change ("BYTES COUNT") that is added up. Everybody who adds or removes mail appends a line; a file of more
// than 5120 bytes, one that is over its limit and older than 15 minutes, or one whose limit is not ours is counted again.
// Where nobody has given a limit the one in the file holds: maildirmake -q, Courier and Dovecot have written it there.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace store {

struct QuotaLimit {
  std::int64_t bytes = 0;     // 0: none
  std::int64_t messages = 0;  // 0: none
  bool operator==(const QuotaLimit&) const = default;
  [[nodiscard]] bool is_set() const { return bytes > 0 || messages > 0; }
  // "10000000S,1000C"; also 10M, 1G; and Dovecot's rule for a whole account, "*:storage=1G:messages=1000" (storage in KB unless it
  // says so).
  [[nodiscard]] static Result<QuotaLimit> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

struct QuotaUse {
  std::int64_t bytes = 0, messages = 0;
  bool operator==(const QuotaUse&) const = default;
};

struct QuotaState {
  QuotaLimit limit;
  QuotaUse use;       // nothing where there is no limit, and nobody counts
};

class Quota {
 public:
  // `root`: of the Maildir; empty: there is no quota here. `limit`: none, the file's own holds. `yield` is called now and then
  // while all is counted.
  Quota(std::string root, std::optional<QuotaLimit> limit, std::function<void()> yield = {})
      : root_(std::move(root)), limit_(limit), yield_(std::move(yield)) {}

  // Whether anything is counted: there is a limit, or others keep the file.
  [[nodiscard]] bool is_kept() const;
  // Reads maildirsize, or counts anew.
  [[nodiscard]] Result<QuotaState> state();
  [[nodiscard]] Result<QuotaUse> use() { return TRY(state()).use; }
  // EDQUOT when so much more would be over the limit. Near the limit it makes sure by counting.
  [[nodiscard]] Result<void> check(std::int64_t bytes, std::int64_t messages);
  // Notes a change that has been made. Without a limit and without the file it does nothing.
  [[nodiscard]] Result<void> note(std::int64_t bytes, std::int64_t messages);
  // Counts all messages, and writes the file.
  [[nodiscard]] Result<QuotaUse> recount();

 private:
  [[nodiscard]] Result<void> count_again();
  std::string root_;
  std::optional<QuotaLimit> limit_;
  std::function<void()> yield_;
};

}  // namespace store
