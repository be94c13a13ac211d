#pragma once
// Queue ids: the names of messages. Short form: five hex digits of microseconds, then the inode in hex ("0B5EF08C41").
// Long form (enable_long_queue_ids): seconds and microseconds in base 52 (at least 6 and exactly 4 digits), a 'z', the
// inode in base 51 ("4jYSZT66fcz2ZKq"); digits are 0-9 and the consonants, so that no words appear. An id is unique as
// long as its file exists, since it holds the inode.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"

namespace queue {

enum class IdForm { short_form, long_form };

class QueueId {
 public:
  // Either form, or nothing: a name that is no id ("notaqueuefile", "../x", a temporary file).
  [[nodiscard]] static std::optional<QueueId> parse(std::string_view text);
  [[nodiscard]] static QueueId make(IdForm form, Stamp stamp, std::uint64_t inode);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] IdForm form() const { return form_; }
  [[nodiscard]] std::uint64_t inode() const;

  // The id of the same form and time for a file with this inode.
  [[nodiscard]] QueueId with_inode(std::uint64_t inode) const;

  // The directories below a hashed queue, `depth` characters one below the other: "3/3/". Long ids are spread by the
  // short form of their microseconds.
  [[nodiscard]] std::string hash_path(int depth) const;

  auto operator<=>(const QueueId&) const = default;

 private:
  QueueId(std::string text, IdForm form) : text_(std::move(text)), form_(form) {}

  std::string text_;
  IdForm form_;
};

// Whether the text may stand in a file name as a queue id, whatever it names: letters, digits and '_', and not too long.
// What operators type is refused when it is not, and otherwise just not found.
[[nodiscard]] bool is_safe_name(std::string_view text);

}  // namespace queue
