#pragma once
// The commands that smtp-sink knows, and what is to happen at each: refused, delayed, answered by closing.

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace smtp_sink {

// connect is what happens before the greeting, dot the end of a message.
enum class Verb { connect, helo, ehlo, lhlo, xclient, xforward, auth, mail, rcpt, data, dot, rset, noop, vrfy, quit };
inline constexpr std::size_t verb_count = 15;

// Ignoring case.
[[nodiscard]] std::optional<Verb> find_verb(std::string_view name);

struct Treatment {
  bool refuse_hard = false;
  bool refuse_soft = false;
  bool close = false;           // without a reply
  bool close_with_421 = false;
  bool log = false;
  std::chrono::seconds delay{0};
  int delay_odds = 0;           // 1 to 99: the delay is repeated until a throw of 0 to 99 reaches this; 0: never
};

class Treatments {
 public:
  [[nodiscard]] Treatment& at(Verb verb) { return all_[static_cast<std::size_t>(verb)]; }
  [[nodiscard]] const Treatment& at(Verb verb) const { return all_[static_cast<std::size_t>(verb)]; }

 private:
  std::array<Treatment, verb_count> all_;
};

}  // namespace smtp_sink
