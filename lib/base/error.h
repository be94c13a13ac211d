#pragma once
// How an operation says that it failed. An Error is a value: it is passed up with TRY, gains context where context is
// known, and is logged once, by the caller that decides what happens to the mail.

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace base {

// What failed and why. `code` is an errno value, or 0 when no system call failed. `message` is one line for the log,
// made of the contexts from the outermost to the innermost: "open /etc/aliases.db: Permission denied".
class Error {
 public:
  explicit Error(std::string message, int code = 0) : message_(std::move(message)), code_(code) {}

  // The errno of the system call that has just failed, with its text: "what: No such file or directory".
  static Error system(std::string_view what);
  static Error system(std::string_view what, int code);

  // The same error as seen from one level further out: "context: message".
  [[nodiscard]] Error within(std::string_view context) &&;

  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] int code() const { return code_; }

 private:
  std::string message_;
  int code_;
};

template <class T>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

// The failure to return: `return fail("queue file has no size record");`
[[nodiscard]] inline Failure fail(std::string message, int code = 0) { return Failure(Error(std::move(message), code)); }
[[nodiscard]] inline Failure fail_system(std::string_view what) { return Failure(Error::system(what)); }

}  // namespace base

using base::Result;

// The value of a Result, or return its error to our own caller: `const Fd fd = TRY(open_file(path));`
#define TRY(expression)                                                              \
  __extension__({                                                                    \
    auto&& try_result_ = (expression);                                               \
    if (!try_result_) return ::base::Failure(std::move(try_result_).error());        \
    *std::move(try_result_);                                                         \
  })
