#include "lib/mailbox/command_line.h"

#include <algorithm>
#include <array>

#include "lib/base/ascii.h"

namespace mailbox {
namespace {

// Words that only a shell knows, or knows better (POSIX sh).
constexpr std::array<std::string_view, 58> shell_words = {
    ".",    ":",     "[",    "alias", "bg",     "break", "case",  "cd",     "command", "continue", "do",    "done",
    "echo", "elif",  "else", "esac",  "eval",   "exec",  "exit",  "export", "false",   "fc",       "fg",    "fi",
    "for",  "getopts", "hash", "if",  "jobs",   "kill",  "local", "newgrp", "printf",  "pwd",      "read",  "readonly",
    "return", "set", "shift", "source", "test", "then",  "time",  "times",  "trap",    "true",     "type",  "ulimit",
    "umask", "unalias", "unset", "until", "wait", "while", "select", "function", "in", "!"};

bool is_plain(char c) {
  constexpr std::string_view harmless = "!@%-_=+:,./ \t";
  return ascii::is_alnum(c) || harmless.contains(c);
}

bool needs_shell(std::string_view command, const std::vector<std::string_view>& words) {
  if (words.empty() || !std::ranges::all_of(command, is_plain)) return true;
  return words.front().contains('=') || std::ranges::find(shell_words, words.front()) != shell_words.end();
}

}  // namespace

std::vector<std::string> command_arguments(std::string_view command, std::string_view shell) {
  constexpr std::string_view space = " \t\r\n";
  const auto words = ascii::split(command, space);
  std::vector<std::string> arguments;
  if (const auto parts = ascii::split(shell, space); !parts.empty()) {
    arguments.assign(parts.begin(), parts.end());
    arguments.emplace_back(command);
  } else if (needs_shell(command, words)) {
    arguments = {"/bin/sh", "-c", std::string(command)};
  } else {
    arguments.assign(words.begin(), words.end());
  }
  return arguments;
}

}  // namespace mailbox
