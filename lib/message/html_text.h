#pragma once
// The text of HTML, good enough for a preview: tags become blanks; comments, scripts and styles go; entities become characters.

#include <cstdint>
#include <string>
#include <string_view>

namespace message {

// Takes UTF-8 in pieces that may end anywhere. What is quoted (blockquote) is text of its own.
class HtmlText {
 public:
  void take(std::string_view piece, std::string& out, std::string& quoted);
  // The HTML has ended.
  void finish(std::string& out, std::string& quoted);

 private:
  enum class State : std::uint8_t { text, entity, tag, comment };
  void take(char c, std::string& out);
  void text(char c, std::string& out);
  void entity(char c, std::string& out);
  void tag(char c, std::string& out);
  void end_tag(std::string& out);

  State state_ = State::text;
  std::string kept_;          // the beginning of the tag (without "<"), or of the entity (without "&")
  char quote_ = '\0';         // of an attribute's value that we are in
  char last_ = '\0';          // in a tag, but for space; in a comment with the one before it
  char before_last_ = '\0';
  std::string hidden_;        // the element that is not shown: "script"
  std::size_t quotes_ = 0;    // blockquotes that we are in
};

}  // namespace message
