#pragma once
// The tests, and until when a client has passed each of them: what the temporary allowlist keeps of him. Pure.

#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postscreen {

// In the order of their results in the table.
enum class Test : std::uint8_t { pregreet, dnsbl, pipelining, non_smtp, bare_newline };
inline constexpr std::size_t test_count = 5;
inline constexpr std::array all_tests{Test::pregreet, Test::dnsbl, Test::pipelining, Test::non_smtp, Test::bare_newline};
// Before the greeting a client is only watched; after it postscreen's own SMTP talks to him.
[[nodiscard]] constexpr bool is_after_greeting(Test test) { return test >= Test::pipelining; }

class TestSet {
 public:
  void add(Test test) { bits_.set(static_cast<std::size_t>(test)); }
  void remove(Test test) { bits_.reset(static_cast<std::size_t>(test)); }
  [[nodiscard]] bool has(Test test) const { return bits_.test(static_cast<std::size_t>(test)); }
  [[nodiscard]] bool empty() const { return bits_.none(); }
  [[nodiscard]] bool has_after_greeting() const { return has(Test::pipelining) || has(Test::non_smtp) || has(Test::bare_newline); }
  [[nodiscard]] bool has_before_greeting() const { return has(Test::pregreet) || has(Test::dnsbl); }
  bool operator==(const TestSet&) const = default;

 private:
  std::bitset<test_count> bits_;
};

// Seconds since the epoch: until then the client counts as good.
class Results {
 public:
  static constexpr std::int64_t never = 0;   // he has not passed it yet
  static constexpr std::int64_t off = 1;     // the test was not made when this was written

  // "1795956009;1;0;0;0". None for what is not that.
  static std::optional<Results> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  [[nodiscard]] std::int64_t until(Test test) const { return until_[static_cast<std::size_t>(test)]; }
  void set(Test test, std::int64_t until) { until_[static_cast<std::size_t>(test)] = until; }
  // Those of `enabled` that he has to pass (again) at this time.
  [[nodiscard]] TestSet due(TestSet enabled, std::int64_t now) const;
  // He has passed all of `enabled` at some time before.
  [[nodiscard]] bool is_old(TestSet enabled) const;
  // When the last of them ends: from then on the entry says nothing.
  [[nodiscard]] std::int64_t last() const;

 private:
  std::array<std::int64_t, test_count> until_{};
};

}  // namespace postscreen
