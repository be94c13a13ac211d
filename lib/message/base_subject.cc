#include "lib/message/base_subject.h"

#include <algorithm>

#include "lib/base/ascii.h"
#include "lib/message/charset.h"
#include "lib/message/search.h"

namespace message {
namespace {

// One blank where there are blanks and tabs, and none at either end.
std::string with_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') out += c;
    else if (!out.empty() && !out.ends_with(' ')) out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// "[text] " from the start; nothing when it is not there. A bracket within ends the search, so that no text is looked at twice.
std::size_t blob_size(std::string_view text) {
  if (!text.starts_with('[')) return 0;
  const std::size_t end = text.find_first_of("[]", 1);
  if (end == std::string_view::npos || text[end] != ']') return 0;
  return end + 1 < text.size() && text[end + 1] == ' ' ? end + 2 : end + 1;
}

// "re: ", "fwd [text]: " from the start, with what space follows; nothing when it is not there.
std::size_t reply_size(std::string_view text) {
  std::size_t size = 0;
  for (const std::string_view word : {"re", "fwd", "fw"})
    if (size == 0 && ascii::starts_with_ignoring_case(text, word)) size = word.size();
  if (size == 0) return 0;
  if (text.substr(size).starts_with(' ')) ++size;
  size += blob_size(text.substr(size));
  if (!text.substr(size).starts_with(':')) return 0;
  ++size;
  return text.substr(size).starts_with(' ') ? size + 1 : size;
}

class Stripper {
 public:
  explicit Stripper(std::string_view text) : text_(text) {}

  BaseSubject run() {
    do {
      strip_end();
      strip_start();
    } while (strip_around());
    return {.text = casemap(text_), .is_reply = is_reply_};
  }

 private:
  // "(fwd)", as often as it comes.
  void strip_end() {
    constexpr std::string_view forwarded = "(fwd)";
    while (text_.size() >= forwarded.size() && ascii::equal_ignoring_case(text_.substr(text_.size() - forwarded.size()), forwarded)) {
      text_.remove_suffix(forwarded.size());
      if (text_.ends_with(' ')) text_.remove_suffix(1);
      is_reply_ = true;
    }
  }

  // "[list] Re: " as often as it comes; what is in brackets goes too, unless nothing is behind it.
  void strip_start() {
    while (true) {
      std::size_t blobs = 0, last = 0;
      for (std::size_t size = blob_size(text_); size > 0; size = blob_size(text_.substr(blobs))) {
        last = blobs;
        blobs += size;
      }
      if (const std::size_t size = reply_size(text_.substr(blobs)); size > 0) {
        text_.remove_prefix(blobs + size);
        is_reply_ = true;
        continue;
      }
      text_.remove_prefix(blobs < text_.size() ? blobs : last);
      return;
    }
  }

  // "[fwd: text]"
  bool strip_around() {
    if (!ascii::starts_with_ignoring_case(text_, "[fwd:") || !text_.ends_with(']')) return false;
    text_ = ascii::trim(text_.substr(5, text_.size() - 6));
    is_reply_ = true;
    return true;
  }

  std::string_view text_;
  bool is_reply_ = false;
};

}  // namespace

BaseSubject base_subject(std::string_view subject) {
  const std::string text = with_blanks(field_text(subject));
  return Stripper(text).run();
}

}  // namespace message
