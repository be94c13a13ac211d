#pragma once
// One command line of the client, taken apart (RFC 5321 section 4.1.1). Nothing here decides or answers.

#include <optional>
#include <string_view>
#include <vector>

namespace smtpd {

// The views point into the line that was parsed.
struct Command {
  std::string_view verb;
  std::string_view rest;   // what follows the verb, without space at its ends
  std::string_view line;   // all of it, as it came

  // What follows a NUL is not part of the line. An empty or blank line has an empty verb.
  static Command parse(std::string_view line);

  // The words of `rest`.
  [[nodiscard]] std::vector<std::string_view> words() const;
};

// The argument of MAIL and RCPT: "FROM:<path> parameters". Space after the colon is tolerated, before it is not.
struct PathArgument {
  enum class Form {
    ok,
    missing,      // no keyword or no path: the command's syntax is shown
    unbalanced,   // a '<' or '"' without its end
  };
  Form form = Form::missing;
  std::string_view path;
  std::vector<std::string_view> parameters;

  // `keyword` is "FROM:" or "TO:".
  static PathArgument parse(std::string_view rest, std::string_view keyword);
};

inline constexpr std::size_t parameter_limit = 40;  // of MAIL or RCPT; what comes after it stays in the last one

// The argument of BDAT (RFC 3030 section 2). None when it is malformed: the count of bytes that follow is not known
// then, and the connection has to end.
struct ChunkArgument {
  std::size_t size = 0;
  bool is_last = false;
  static std::optional<ChunkArgument> parse(const Command& command);
};

}  // namespace smtpd
