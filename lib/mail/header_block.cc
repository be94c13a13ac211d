#include "lib/mail/header_block.h"

#include "lib/base/check.h"
#include "lib/mail/header.h"

namespace mail {

void HeaderBlock::take(std::string_view data, bool is_whole) {
  CHECK(is_open_);
  if (in_line_) {
    append(data);
  } else if (data.empty() && is_whole) {
    return close(End::empty_line, {}, true);
  } else if (has_field_ && is_folded(data)) {
    // Over the limit a folded line is dropped as a whole.
    if (field_.size() + 1 + data.size() > size_limit_) {
      is_full_ = true;
    } else {
      append("\n");
      append(data);
    }
  } else if (split_header(data)) {
    flush_field();
    has_field_ = true;
    append(data);
  } else {
    return close(End::text, data, is_whole);
  }
  in_line_ = !is_whole;
}

void HeaderBlock::append(std::string_view data) {
  if (!is_full_ && field_.size() < size_limit_) field_.append(data, 0, size_limit_ - field_.size());
}

void HeaderBlock::flush_field() {
  if (!has_field_) return;
  handler_.field(field_);
  field_.clear();
  has_field_ = is_full_ = false;
}

void HeaderBlock::finish() {
  if (is_open_) close(End::content, {}, true);
}

void HeaderBlock::close(End end, std::string_view line, bool is_whole) {
  flush_field();
  is_open_ = false;
  handler_.end_of_header(end, line, is_whole);
}

}  // namespace mail
