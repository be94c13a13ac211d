#pragma once
// The header of a message, from content records to logical fields: parts of a line are joined, folded lines stay one
// field, and where the header ends is decided here. No field is longer than the limit: the rest of it is dropped.

#include <string>
#include <string_view>

namespace mail {

class HeaderBlock {
 public:
  enum class End {
    empty_line,  // as it should be
    text,        // a line that is no header line; it is the first of the body
    content,     // the message has no body
  };

  // Called in the order of the message: fields, then once the end.
  class Handler {
   public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;
    // The lines of one field joined by '\n', without the last line's ending.
    virtual void field(std::string_view text) = 0;
    // `line` is the first record of the body when the end is text; `is_whole`: the record ended its line.
    virtual void end_of_header(End end, std::string_view line, bool is_whole) = 0;
  };

  HeaderBlock(std::size_t size_limit, Handler& handler) : size_limit_(size_limit), handler_(handler) {}

  // One content record. `is_whole`: it ends a line (N); otherwise the line goes on (L). Whether a line is a header line
  // is seen in its first record.
  void take(std::string_view data, bool is_whole);
  // The content ends.
  void finish();
  [[nodiscard]] bool is_open() const { return is_open_; }

 private:
  void append(std::string_view data);
  void flush_field();
  void close(End end, std::string_view line, bool is_whole);

  std::size_t size_limit_;
  Handler& handler_;
  std::string field_;
  bool has_field_ = false;
  bool is_full_ = false;  // a line of the field has been dropped
  bool in_line_ = false;  // a first part of the line has come
  bool is_open_ = true;
};

}  // namespace mail
