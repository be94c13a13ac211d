// socketmap:inet:HOST:PORT:NAME and socketmap:unix:PATH:NAME: a server that answers "NAME KEY" with "OK value",
// "NOTFOUND" or an error, each as a netstring. The answer is not to be trusted more than the network that it came over.

#include <cerrno>
#include <chrono>
#include <cstring>

#include <fmt/core.h>

#include "lib/log/log.h"
#include "lib/maps/registry.h"
#include "lib/maps/server_connections.h"

namespace maps {
namespace {

constexpr std::chrono::seconds time_limit{100};  // to connect, and to send a request and read its answer
constexpr ServerLifetime lifetime{std::chrono::seconds(10), std::chrono::seconds(100)};
constexpr int attempts_limit = 2;                // of one lookup: the server may just have closed a connection that we kept
constexpr std::size_t length_limit = 20;         // digits of a netstring's length

base::Failure lost(io::Stream& stream, io::End end) {
  if (end == io::End::timeout) return base::fail("time limit exceeded", ETIMEDOUT);
  if (end == io::End::too_long) return base::fail("input format error", EBADMSG);
  return base::fail("unexpected disconnect", end == io::End::error ? stream.last_errno() : ECONNRESET);
}

// "4:OK v,". A length that is none, or a wrong end, is an error that no further attempt mends (EBADMSG, EMSGSIZE).
Result<std::string> read_netstring(io::Stream& stream, std::size_t limit, Deadline deadline) {
  std::string byte;
  std::size_t size = 0;
  for (std::size_t digits = 0;; ++digits) {
    byte.clear();
    if (const io::End end = stream.read_exact(byte, 1, deadline); end != io::End::ok) return lost(stream, end);
    if (byte[0] == ':' && digits > 0) break;
    if (byte[0] < '0' || byte[0] > '9' || digits == length_limit) return base::fail("input format error", EBADMSG);
    size = size * 10 + static_cast<std::size_t>(byte[0] - '0');
    if (size > limit) return base::fail("input exceeds size limit", EMSGSIZE);
  }
  std::string text;
  if (const io::End end = stream.read_exact(text, size + 1, deadline); end != io::End::ok) return lost(stream, end);
  if (text.back() != ',') return base::fail("input format error", EBADMSG);
  text.pop_back();
  return text;
}

class SocketmapTable final : public Table {
 public:
  SocketmapTable(const OpenRequest& request, ServerAddress server, std::string_view name)
      : Table(request.full_name()),
        connections_(std::move(server), lifetime),
        map_(name),
        query_limit_(request.tables.options().socketmap_max_query_size),
        answer_limit_(request.tables.options().socketmap_max_reply_size) {}

  Result<Found> lookup(std::string_view key) override {
    const std::string request = fmt::format("{} {}", map_, key);
    if (request.size() > query_limit_) {
      maillog::warning("table {} lookup error: query exceeds size limit", name());
      return base::fail("query exceeds size limit", EMSGSIZE);
    }
    for (int attempt = 1;; ++attempt) {
      auto answer = ask(fmt::format("{}:{},", request.size(), request));
      if (answer) return interpret(*answer);
      const int code = answer.error().code();
      if (answer.error().message() == disconnect && attempt < attempts_limit) continue;
      maillog::warning("table {} lookup error: {}", name(), answer.error().message());
      return base::fail(answer.error().message(), code);
    }
  }
  [[nodiscard]] bool has_fixed_keys() const override { return false; }

 private:
  static constexpr std::string_view disconnect = "unexpected disconnect";

  Result<std::string> ask(const std::string& request) {
    auto connection = connections_.take(base::after(time_limit));
    if (!connection) {
      maillog::warning("connect to {}: {}", connections_.name(), connection.error().message());
      return base::Failure(std::move(connection).error());
    }
    const Deadline deadline = base::after(time_limit);
    connection->stream.write(request, deadline);
    std::string answer = TRY(read_netstring(connection->stream, answer_limit_, deadline));
    connections_.keep(std::move(*connection));
    return answer;
  }

  [[nodiscard]] Result<Found> interpret(std::string_view answer) const {
    const std::size_t space = std::min(answer.find(' '), answer.size());
    const std::string_view status = answer.substr(0, space);
    const std::string_view text = answer.substr(std::min(space + 1, answer.size()));
    if (status == "OK") return Found(text.substr(0, text.find('\0')));
    if (status == "NOTFOUND") return Found{};
    if (status == "TEMP") return failed("temporary", text);
    if (status == "TIMEOUT") return failed("timeout", text);
    if (status == "PERM") return failed("permanent", text);
    return failed("unknown", text);
  }

  [[nodiscard]] base::Failure failed(std::string_view kind, std::string_view text) const {
    const std::string what = fmt::format("socketmap server {} error{}{}", kind, text.empty() ? "" : ": ", text);
    maillog::warning("{} {}", name(), what);
    return base::fail(what);
  }

  ServerConnections connections_;
  std::string map_;
  std::size_t query_limit_;
  std::size_t answer_limit_;
};

}  // namespace

OpenResult open_socketmap(const OpenRequest& request) {
  const std::size_t last = request.name.rfind(':');
  if (last == std::string_view::npos) return base::fail("socketmap requires server:socketmap argument");
  const std::string_view server = request.name.substr(0, last);
  const std::string_view map = request.name.substr(last + 1);
  const std::size_t colon = server.find(':');
  if (colon == std::string_view::npos || colon + 1 == server.size()) {
    return base::fail(fmt::format("need service transport:endpoint instead of \"{}\"", server));
  }
  auto address = TRY(ServerAddress::parse_transport(server));
  if (address) return std::make_shared<SocketmapTable>(request, std::move(*address), map);
  return base::fail(fmt::format("invalid transport name: {} in service: {}", server.substr(0, colon), server));
}

}  // namespace maps
