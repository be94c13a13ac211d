#pragma once
// Enhanced status codes (RFC 3463) and the outcome of one delivery attempt.

#include <optional>
#include <string>
#include <string_view>

namespace mail {

// "5.1.1": class 2, 4 or 5, then two numbers of at most 3 digits.
class Dsn {
 public:
  // "2.0.0" when nothing else is known.
  constexpr Dsn() = default;
  constexpr Dsn(int cls, int subject, int detail) : class_(cls), subject_(subject), detail_(detail) {}
  // The code at the start of `text` when one is there: "5.7.1 Relay access denied" gives 5.7.1 and leaves the rest.
  static std::optional<Dsn> parse_prefix(std::string_view& text);
  static std::optional<Dsn> parse(std::string_view text);
  [[nodiscard]] int cls() const { return class_; }
  [[nodiscard]] int subject() const { return subject_; }
  [[nodiscard]] int detail() const { return detail_; }
  [[nodiscard]] bool is_success() const { return class_ == 2; }
  [[nodiscard]] bool is_temporary() const { return class_ == 4; }
  [[nodiscard]] bool is_permanent() const { return class_ == 5; }
  // The same subject and detail in another class: soft_bounce turns 5 into 4.
  [[nodiscard]] Dsn with_class(int cls) const { return {cls, subject_, detail_}; }
  [[nodiscard]] std::string text() const;
  auto operator<=>(const Dsn&) const = default;

 private:
  int class_ = 2, subject_ = 0, detail_ = 0;
};

}  // namespace mail
