#pragma once
// Texts with %s and its like: the question that a server gets, made of the key, and the result, made of the answer.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace maps {

// A key or a value in its parts. The views are of the text it was made of.
struct AddressParts {
  explicit AddressParts(std::string_view text);
  // The domain's label number `place` from the right, from 1 on; empty: it has not so many.
  [[nodiscard]] std::string_view label(std::size_t place) const;

  std::string_view whole;
  std::string_view local;   // up to the last "@"; without one the whole
  std::string_view domain;  // behind it
};

class KeyTemplate {
 public:
  // `where` and `what` are for messages: "/etc/postfix/aliases.cf", "query".
  static Result<KeyTemplate> parse(std::string_view text, std::string_view where, std::string_view what);

  // The parts of the key go through `quote`. None when the key has not all of the parts.
  using Quote = std::function<Result<std::string>(std::string_view)>;
  [[nodiscard]] Result<std::optional<std::string>> question(const AddressParts& key, const Quote& quote) const;

  // %s, %u and %d are of the value, the others of the key. None when one of the two has not all of the parts, or the value
  // is empty.
  [[nodiscard]] std::optional<std::string> result(std::string_view value, const AddressParts& key) const;

  // Whether the key has what question() needs.
  [[nodiscard]] bool can_ask(const AddressParts& key) const;
  // Whether the key has what result() needs of it.
  [[nodiscard]] bool can_answer(const AddressParts& key) const;

 private:
  // A literal text, or with a letter what stands for it.
  struct Piece {
    char letter = 0;
    std::string text{};
  };
  std::vector<Piece> pieces_;
};

}  // namespace maps
