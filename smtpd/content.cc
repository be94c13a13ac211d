#include "smtpd/content.h"

#include <algorithm>

namespace smtpd {

bool DataDecoder::feed(std::string_view text, io::LineEnding ending) {
  if (held_cr_) {
    held_cr_ = false;
    if (text.empty() && ending == io::LineEnding::lf) {
      ending = io::LineEnding::crlf;
    } else {
      joined_.assign(1, '\r');
      joined_ += text;
      text = joined_;
    }
  }
  if (ending == io::LineEnding::none && text.ends_with('\r')) {
    held_cr_ = true;
    text.remove_suffix(1);
  }
  const bool at_line_start = !within_line_;
  if (at_line_start && text.starts_with('.')) {
    const bool is_ended = end_ == DataEnd::any_newline ? ending != io::LineEnding::none
                                                       : ending == io::LineEnding::crlf && after_crlf_;
    if (text.size() == 1 && is_ended) return true;
    text.remove_prefix(1);
  }
  within_line_ = ending == io::LineEnding::none;
  if (!within_line_) {
    after_crlf_ = ending == io::LineEnding::crlf;
    has_bare_newline_ = has_bare_newline_ || !after_crlf_;
    size_ += 2;
  }
  size_ += text.size();
  emit(text, !within_line_);
  return false;
}

void DataDecoder::emit(std::string_view text, bool is_last) {
  while (text.size() > line_limit_) {
    sink_.take({text.substr(0, line_limit_), false});
    text.remove_prefix(line_limit_);
  }
  if (is_last || !text.empty()) sink_.take({text, is_last});
}

void ChunkDecoder::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      // Taken in small steps, so that `pending_` stays as small as a line may be.
      const std::size_t step = std::min(bytes.size(), line_limit_);
      pending_ += bytes.substr(0, step);
      bytes.remove_prefix(step);
      shorten_pending();
      continue;
    }
    const std::string_view text = bytes.substr(0, newline);
    bytes.remove_prefix(newline + 1);
    if (pending_.empty()) {
      end_line(text);
      continue;
    }
    const std::string line = std::move(pending_).append(text);
    pending_.clear();
    end_line(line);
  }
}

// `text` ends with the CR of a CRLF, or the newline was bare.
void ChunkDecoder::end_line(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  else has_bare_newline_ = true;
  size_ += text.size() + 2;
  while (text.size() > line_limit_) {
    sink_.take({text.substr(0, line_limit_), false});
    text.remove_prefix(line_limit_);
  }
  sink_.take({text, true});
  within_line_ = false;
}

// Keeps one byte more than the limit back: it may be the CR of a CRLF.
void ChunkDecoder::shorten_pending() {
  std::string_view rest = pending_;
  while (rest.size() > line_limit_ + 1) {
    sink_.take({rest.substr(0, line_limit_), false});
    rest.remove_prefix(line_limit_);
    size_ += line_limit_;
    within_line_ = true;
  }
  if (rest.size() < pending_.size()) pending_ = std::string(rest);
}

void ChunkDecoder::finish() {
  if (pending_.empty() && !within_line_) return;
  size_ += pending_.size() + 2;
  std::string_view rest = pending_;
  while (rest.size() > line_limit_) {
    sink_.take({rest.substr(0, line_limit_), false});
    rest.remove_prefix(line_limit_);
  }
  sink_.take({rest, true});
  pending_.clear();
  within_line_ = false;
}

}  // namespace smtpd
