#include "lib/mail/body_walk.h"

#include <algorithm>

namespace mail {

void BodyWalk::take(std::string_view data, bool is_whole) {
  const bool is_start = at_line_start_;
  at_line_start_ = is_whole;
  const MimeScan::Line line = scan_ == nullptr ? MimeScan::Line::text : scan_->body(data, is_start);
  switch (line) {
    case MimeScan::Line::field:
    case MimeScan::Line::folded:
      if (is_start && line == MimeScan::Line::field) {
        flush();
        has_field_ = true;
        is_attached_ = scan_->is_in_attached_message();
      } else if (is_start && field_.size() < field_size_limit_) {
        field_ += '\n';
      }
      field_ += data.substr(0, field_size_limit_ - std::min(field_size_limit_, field_.size()));
      return;
    case MimeScan::Line::end_of_header:
      flush();
      offset_ = 0;
      break;
    case MimeScan::Line::text: flush(); break;
  }
  handler_.body_line(data, is_whole, offset_);
  offset_ += data.size();
}

void BodyWalk::flush() {
  if (!has_field_) return;
  has_field_ = false;
  handler_.part_field(field_, is_attached_);
  field_.clear();
  offset_ = 0;
}

}  // namespace mail
