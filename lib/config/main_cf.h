#pragma once
// main.cf, read once and never changed: what was set, where, and what each parameter is after $-expansion. It is the
// only reader of that file.
//
// Three views of a parameter: `find` is what somebody has set, `get` is that or the default, both as written; the typed
// readers (`boolean`, `integer`, ...) expand, parse, and hold the record's limits.

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/config/record.h"

namespace config {

inline constexpr std::string_view default_directory = "/etc/postfix";

// One setting: a logical line of main.cf, or a -o option.
struct Entry {
  std::string name;
  std::string value;   // as written, continuation lines joined by their own white space
  std::string file;    // main.cf, or empty for an override
  int line = 0;        // of the name; 0 for an override
  // "/etc/postfix/main.cf, line 12", or "-o NAME=VALUE".
  [[nodiscard]] std::string where() const;
};

// MAIL_CONFIG of the environment, or the default directory.
[[nodiscard]] std::string config_directory_from_environment();

// The names and values of text in the form of main.cf, in order, repeated names included. `file` is for messages.
[[nodiscard]] Result<std::vector<Entry>> parse_main_cf(std::string_view text, std::string_view file);

// Removes the white space of "name = value" around the two; the error names what is missing.
[[nodiscard]] Result<Entry> parse_setting(std::string_view text);

class Main {
 public:
  // Reads DIRECTORY/main.cf. Each override is "name=value" and wins over the file; of two settings the later one wins.
  static Result<Main> read(std::string directory, std::span<const std::string> overrides = {});

  // As read(), of text in memory.
  static Result<Main> parse(std::string_view text, std::string directory, std::span<const std::string> overrides = {});

  // A copy in which `name` is `value`: the macros of a service ("service_name"), the second snapshot for `stress`.
  [[nodiscard]] Main with(std::string_view name, std::string_view value) const;
  void set(std::string_view name, std::string_view value);

  [[nodiscard]] const std::string& directory() const { return directory_; }

  // What main.cf or an override says; none when it is not set.
  [[nodiscard]] const Entry* find(std::string_view name) const;

  // The value as written, or the default as written (computed defaults are computed), or nothing for a name that
  // nobody knows.
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view name) const;

  // The value after expansion; empty for a name that nobody knows. The error names a syntax error or a loop.
  [[nodiscard]] Result<std::string> expand(std::string_view name) const;
  [[nodiscard]] Result<std::string> expand_text(std::string_view text) const;

  // Typed values, within the limits of the record (also of a SERVICE_... pattern's). A name without record has no
  // limits and, when it is not set, is no / 0 / empty.
  [[nodiscard]] Result<bool> boolean(std::string_view name) const;
  [[nodiscard]] Result<int> integer(std::string_view name) const;
  [[nodiscard]] Result<long> long_integer(std::string_view name) const;
  [[nodiscard]] Result<std::chrono::seconds> time(std::string_view name) const;
  [[nodiscard]] Result<std::string> string(std::string_view name) const;
  [[nodiscard]] Result<std::string> raw(std::string_view name) const;

  // What is set, by name.
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }

  // What an administrator should be told of the file itself, each a line for the log: entries that a later one of the
  // same name replaces, a first line that continues nothing (it is ignored).
  [[nodiscard]] std::span<const std::string> warnings() const { return warnings_; }

 private:
  [[nodiscard]] Result<std::optional<std::string>> look_up(std::string_view name) const;

  std::string directory_;
  std::vector<Entry> entries_;    // sorted by name
  std::vector<std::string> warnings_;
};

}  // namespace config
