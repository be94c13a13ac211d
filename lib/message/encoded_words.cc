#include "lib/message/encoded_words.h"

#include <optional>
#include <utility>

#include "lib/base/ascii.h"
#include "lib/message/charset.h"
#include "lib/message/transfer.h"

namespace message {
namespace {

constexpr std::size_t charset_limit = 100;  // with the language

struct Word {
  std::string_view charset;
  std::string bytes;
  std::size_t size;  // of the encoded word
};

class Decoder {
 public:
  explicit Decoder(std::string_view value) : value_(value) {}

  std::string run() {
    std::size_t at = 0;
    while (at < value_.size()) {
      const std::size_t start = value_.find("=?", at);
      if (start == std::string_view::npos) break;
      auto word = word_at(start);
      if (!word) {
        plain(value_.substr(at, start + 2 - at));
        at = start + 2;
        continue;
      }
      const std::string_view between = value_.substr(at, start - at);
      const bool goes_on = was_word_ && between.find_first_not_of(" \t\r\n") == std::string_view::npos;
      if (!goes_on) plain(between);
      if (!goes_on || !ascii::equal_ignoring_case(charset_, word->charset)) flush();
      charset_ = word->charset;
      bytes_ += word->bytes;
      was_word_ = true;
      at = start + word->size;
    }
    plain(value_.substr(at));
    return std::move(out_);
  }

 private:
  void plain(std::string_view text) {
    flush();
    append_valid_utf8(out_, text);
    was_word_ = false;
  }

  // A character may be cut between two words of the same set, so these are converted together.
  void flush() {
    if (bytes_.empty()) return;
    Utf8Converter converter(charset_);
    converter.convert(std::exchange(bytes_, {}), out_);
    converter.finish(out_);
  }

  // "=?charset*language?q?text?="
  std::optional<Word> word_at(std::size_t start) {
    const std::size_t charset_start = start + 2;
    const std::size_t charset_end = value_.substr(0, charset_start + charset_limit).find('?', charset_start);
    if (charset_end == std::string_view::npos || charset_end + 2 >= value_.size() || value_[charset_end + 2] != '?') return std::nullopt;
    const std::size_t text_start = charset_end + 3;
    if (end_ < text_start) end_ = value_.find("?=", text_start);
    if (end_ == std::string_view::npos || charset_end == charset_start) return std::nullopt;
    const std::string_view text = value_.substr(text_start, end_ - text_start);
    Word word{.charset = value_.substr(charset_start, charset_end - charset_start), .bytes = {}, .size = end_ + 2 - start};
    word.charset = word.charset.substr(0, word.charset.find('*'));
    const char encoding = ascii::to_lower(value_[charset_end + 1]);
    if (encoding == 'b') {
      TransferDecoder decoder(TransferEncoding::base64);
      decoder.decode(text, word.bytes);
    } else if (encoding == 'q') {
      std::string spaced(text);
      for (char& c : spaced)
        if (c == '_') c = ' ';
      TransferDecoder decoder(TransferEncoding::quoted_printable);
      decoder.decode(spaced + '=', word.bytes);  // no space at the end is lost
      decoder.finish(word.bytes);
    } else {
      return std::nullopt;
    }
    return word;
  }

  std::string_view value_;
  std::string out_;
  std::string bytes_;          // of words that are not converted yet ...
  std::string_view charset_;   // ... and their set
  bool was_word_ = false;
  std::size_t end_ = 0;        // of the next "?=": each is looked for once
};

}  // namespace

std::string decode_words(std::string_view value) { return Decoder(value).run(); }

}  // namespace message
