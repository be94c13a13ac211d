// tcp:HOST:PORT: a server that answers "get KEY" with "200 VALUE", "500 none" or "400 error", a line each; what is not
// printable, space and "%" are %XX. The answer is not to be trusted more than the network that it came over.

#include <chrono>
#include <cstring>

#include <fmt/core.h>

#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/maps/registry.h"
#include "lib/maps/server_connections.h"

namespace maps {
namespace {

constexpr std::chrono::seconds time_limit{100};     // to connect, and to send a request and read its answer
constexpr std::size_t answer_limit = 4096;          // bytes of a line
constexpr int attempts_limit = 10;                  // of one lookup, on new connections
constexpr std::chrono::seconds attempt_pause{1};
constexpr ServerLifetime lifetime{std::chrono::hours(24 * 365), std::chrono::hours(24 * 365)};  // never closed by us

std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '%') {
      result += c;
    } else {
      fmt::format_to(std::back_inserter(result), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// None when a "%" is not followed by two hexadecimal digits.
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

class TcpTable final : public Table {
 public:
  TcpTable(std::string name, ServerAddress server) : Table(std::move(name)), connections_(std::move(server), lifetime) {}

  Result<Found> lookup(std::string_view key) override {
    const std::string request = fmt::format("get {}\n", encoded(key));
    for (int attempt = 1;; ++attempt) {
      auto answer = ask(request);
      if (answer) return interpret(*answer);
      if (attempt == attempts_limit) return base::Failure(std::move(answer).error());
      event::sleep_until(base::after(attempt_pause));
    }
  }
  [[nodiscard]] bool has_fixed_keys() const override { return false; }

 private:
  // The line of the answer. An error is worth another attempt; it is in the log already.
  Result<std::string> ask(const std::string& request) {
    auto connection = connections_.take(base::after(time_limit));
    if (!connection) {
      maillog::warning("connect to TCP map {}: {}", connections_.name(), connection.error().message());
      return base::Failure(std::move(connection).error());
    }
    const Deadline deadline = base::after(time_limit);
    connection->stream.write(request, deadline);
    // Up to LF: a CR before it belongs to the value.
    const io::LineResult line = connection->stream.read_until('\n', deadline, answer_limit);
    if (!line) return lost(line.end(), connection->stream.last_errno());
    std::string answer(line.text());
    connections_.keep(std::move(*connection));
    return answer;
  }

  [[nodiscard]] base::Failure lost(io::End end, int code) const {
    const std::string why = end == io::End::too_long  ? fmt::format("text longer than {}", answer_limit)
                            : end == io::End::timeout ? "read timeout"
                            : end == io::End::error   ? std::string("unexpected EOF (") + std::strerror(code) + ')'
                                                      : "unexpected EOF";
    maillog::warning("read TCP map reply from {}: {}", connections_.name(), why);
    return base::fail(why);
  }

  // "CODE text": the first digit decides.
  [[nodiscard]] Result<Found> interpret(std::string_view answer) const {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool is_whole = answer.size() >= 4 && is_digit(answer[0]) && is_digit(answer[1]) && is_digit(answer[2]) &&
                          (answer[3] == ' ' || answer[3] == '\t');
    const auto text = is_whole ? decoded(answer.substr(4)) : std::nullopt;
    if (!text) return refused("malformed reply", answer);
    switch (answer[0]) {
      case '2': return Found(text->substr(0, text->find('\0')));
      case '4': return base::fail(text->empty() ? "the server has an error" : fmt::format("the server has an error: {}", *text));
      case '5': return Found{};
      default: return refused("bad status code", answer);
    }
  }

  [[nodiscard]] base::Failure refused(std::string_view why, std::string_view answer) const {
    maillog::warning("read TCP map reply from {}: {}: {}", connections_.name(), why, answer);
    return base::fail(fmt::format("{}: {}", why, answer));
  }

  ServerConnections connections_;
};

}  // namespace

OpenResult open_tcp(const OpenRequest& request) {
  return std::make_shared<TcpTable>(request.full_name(), TRY(ServerAddress::parse_inet(request.name)));
}

}  // namespace maps
