#pragma once
// The addresses of a header field (RFC 5322 section 3.4, with the obsolete forms that are met in mail): found, given out
// in external form, replaced, and the field put together again with its phrases, comments and groups. A field of which
// no address was replaced stays as it came, byte for byte.
//
// What is liberal here is liberal as in Postfix: two words side by side are two addresses; ':' opens a group only if a
// ';' follows; a source route is dropped; what is not terminated ends with the field. One pass, no recursion, and a
// limit on the tokens: what comes after it is not looked at.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

class HeaderAddresses {
 public:
  // `value` is what follows the colon, folded as it came; `token_limit` is header_address_token_limit.
  static HeaderAddresses parse(std::string_view value, std::size_t token_limit);

  // The addresses in external form, in the order of the field. Empty ones (<>) are not among them.
  [[nodiscard]] std::size_t size() const { return addresses_.size(); }
  [[nodiscard]] const std::string& operator[](std::size_t i) const { return pieces_[addresses_[i]].text; }
  // Does nothing when it is the same.
  void replace(std::size_t i, std::string external);
  [[nodiscard]] bool changed() const { return changed_; }

  // The value to write after "Name:". When something was replaced it is put together again with one space after each
  // comma, folded where a line would reach 70; `column` is the length of "Name:".
  [[nodiscard]] std::string text(std::size_t column) const;

 private:
  enum class Kind { word, comment, address, bracketed, comma, group_open, group_close };
  struct Piece {
    Kind kind;
    std::string text;  // an address in external form; others as they came
    std::string raw;   // an address as it came, should it turn out to be part of a phrase
  };
  class Parser;

  [[nodiscard]] std::vector<std::string> items() const;

  std::string original_;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> addresses_;  // index into pieces_
  bool changed_ = false;
};

}  // namespace mail
