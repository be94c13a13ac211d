#pragma once
// The servers of a table's "hosts" setting, in the forms of Postfix's manual: "unix:/path", "inet:host:port", "host:port".

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "lib/maps/module.h"

namespace maps::module {

inline constexpr std::string_view host_separators = ", \t\r\n";

[[nodiscard]] inline std::vector<std::string> words_of(std::string_view text, std::string_view separators = host_separators) {
  std::vector<std::string> words;
  for (;;) {
    const std::size_t start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return words;
    text.remove_prefix(start);
    const std::size_t size = std::min(text.find_first_of(separators), text.size());
    words.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
}

struct HostAndPort {
  std::string path;   // of a UNIX socket, else empty
  std::string host;
  int port = 0;       // 0: not given
};

[[nodiscard]] inline HostAndPort host_and_port(std::string_view name) {
  HostAndPort result;
  if (name.starts_with("unix:")) {
    result.path = name.substr(5);
    return result;
  }
  if (name.starts_with("inet:")) name.remove_prefix(5);
  std::string_view port;
  if (const std::size_t close = name.find(']'); name.starts_with('[') && close != std::string_view::npos) {
    result.host = name.substr(1, close - 1);
    if (name.substr(close + 1).starts_with(':')) port = name.substr(close + 2);
  } else {
    const std::size_t colon = name.rfind(':');
    result.host = name.substr(0, colon);
    if (colon != std::string_view::npos) port = name.substr(colon + 1);
  }
  std::from_chars(port.data(), port.data() + port.size(), result.port);
  return result;
}

// The setting's servers; `fallback` when there are none.
[[nodiscard]] inline Result<std::vector<Server>> servers_of(const Settings& settings, std::string_view name, std::string_view fallback) {
  std::vector<std::string> words = words_of(TRY(settings.string(name, fallback)));
  if (words.empty()) words.emplace_back(fallback);
  std::vector<Server> servers;
  for (const std::string& word : words) servers.push_back({.name = word, .is_local = word.starts_with("unix:")});
  return servers;
}

// idle_interval and retry_interval.
[[nodiscard]] inline Result<void> read_intervals(const Settings& settings, Client& client) {
  client.idle_interval = std::chrono::seconds(TRY(settings.integer("idle_interval", 60, 1)));
  client.retry_interval = std::chrono::seconds(TRY(settings.integer("retry_interval", 60, 1)));
  return {};
}

}  // namespace maps::module
