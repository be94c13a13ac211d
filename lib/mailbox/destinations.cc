#include "lib/mailbox/destinations.h"

#include "lib/base/ascii.h"

namespace mailbox {
namespace {

constexpr std::string_view include_prefix = ":include:";
constexpr int comment_depth_limit = 100;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<std::string> run() {
    while (!at_end() && items_.size() < destination_limit) step();
    end_list_item();
    return std::move(items_);
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char look() const { return text_[at_]; }

  void step() {
    const char c = look();
    if (c == ',' || c == ';') {
      ++at_;
      end_list_item();
    } else if (ascii::is_space(c)) {
      ++at_;
      end_word();
    } else if (c == '(') {
      skip_comment();
    } else if (c == '<') {
      bracketed();
    } else if (c == '"') {
      quoted();
    } else if (c == ':' && !at_word_start() && !is_raw()) {
      // The name of a group; ":include:" begins a word.
      ++at_;
      word_.clear();
      in_word_ = false;
      words_.clear();
    } else {
      plain();
    }
  }

  [[nodiscard]] bool at_word_start() const { return !in_word_; }
  // Paths, commands and includes are not read as addresses.
  [[nodiscard]] bool is_raw() const { return in_word_ && (word_.starts_with('/') || word_.starts_with('|') || word_.starts_with(':')); }

  void plain() {
    in_word_ = true;
    // A backslash is kept at the start of a word, where it means "no expansion", and quotes the next character elsewhere.
    if (look() == '\\' && !word_.empty() && !is_raw() && at_ + 1 < text_.size()) ++at_;
    word_ += look();
    ++at_;
  }

  void quoted() {
    in_word_ = true;
    for (++at_; !at_end() && look() != '"'; ++at_) {
      if (look() == '\\' && at_ + 1 < text_.size()) ++at_;
      word_ += look();
    }
    if (!at_end()) ++at_;
  }

  void skip_comment() {
    int depth = 0;
    for (; !at_end(); ++at_) {
      if (look() == '\\') {
        ++at_;
      } else if (look() == '(') {
        if (++depth > comment_depth_limit) return at_ = text_.size(), void();
      } else if (look() == ')' && --depth == 0) {
        ++at_;
        return;
      }
    }
  }

  // The words before it were a name.
  void bracketed() {
    words_.clear();
    word_.clear();
    in_word_ = false;
    for (++at_; !at_end() && look() != '>' && (look() != ',' || word_.starts_with('@'));) {
      if (look() == '"') {
        quoted();
      } else if (ascii::is_space(look())) {
        ++at_;
      } else {
        plain();
      }
    }
    if (!at_end() && look() == '>') ++at_;
    // A source route: what follows the colon counts.
    if (const std::size_t colon = word_.rfind(':'); word_.starts_with('@') && colon != std::string::npos) word_.erase(0, colon + 1);
    end_word();
  }

  void end_word() {
    if (in_word_ && !word_.empty()) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  void end_list_item() {
    end_word();
    for (std::string& word : words_) {
      if (items_.size() < destination_limit) items_.push_back(std::move(word));
    }
    words_.clear();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string word_;
  bool in_word_ = false;
  std::vector<std::string> words_;  // since the last comma: addresses, unless <...> follows
  std::vector<std::string> items_;
};

}  // namespace

std::vector<std::string> split_destinations(std::string_view value) { return Parser(value).run(); }

Destination classify(std::string_view item) {
  if (item.starts_with('|')) return {DestinationKind::command, std::string(item.substr(1))};
  if (item.starts_with('/')) return {DestinationKind::file, std::string(item)};
  if (ascii::starts_with_ignoring_case(item, include_prefix)) {
    return {DestinationKind::include, std::string(ascii::trim(item.substr(include_prefix.size())))};
  }
  return {DestinationKind::address, std::string(item)};
}

}  // namespace mailbox
