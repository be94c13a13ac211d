// pgsql:FILE: a PostgreSQL server. Each column of each row is a value.

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include <fmt/core.h>
#include <libpq-fe.h>
#include <poll.h>

#include "lib/maps/module.h"
#include "lib/maps/modules/server_names.h"
#include "lib/maps/modules/sql_query.h"

namespace maps::module {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* connect_limit = "30";          // seconds, for each address of a host
constexpr std::chrono::seconds query_limit{30};

struct Finish {
  void operator()(PGconn* connection) const { ::PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;

struct Clear {
  void operator()(PGresult* result) const { ::PQclear(result); }
};

// The library ends its messages with a line break, and some have several lines.
std::string one_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

class PgsqlSession final : public Session {
 public:
  PgsqlSession(Connection connection, std::string server) : connection_(std::move(connection)), server_(std::move(server)) {}

  Result<std::string> quote(std::size_t, std::string_view text) override {
    std::string quoted(2 * text.size() + 1, '\0');
    int error = 0;
    const std::size_t size = ::PQescapeStringConn(connection_.get(), quoted.data(), text.data(), text.size(), &error);
    if (error != 0) return base::fail(fmt::format("the key cannot be quoted: {}", one_line(::PQerrorMessage(connection_.get()))));
    quoted.resize(size);
    return quoted;
  }

  Result<void> ask(const std::vector<std::string>& questions, Values& values) override {
    const auto deadline = Clock::now() + query_limit;
    // The protocol for prepared statements: there is only one statement in the query, whatever the key is.
    if (::PQsendQueryParams(connection_.get(), questions.front().c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0) return failed();
    ::PQsetSingleRowMode(connection_.get());  // a long answer is not held as a whole
    bool is_wanted = true;
    Result<void> outcome;
    for (;;) {
      TRY(wait(deadline));
      const std::unique_ptr<PGresult, Clear> result(::PQgetResult(connection_.get()));
      if (!result) return outcome;
      switch (::PQresultStatus(result.get())) {
        case PGRES_TUPLES_OK:
        case PGRES_SINGLE_TUPLE:
          if (is_wanted) is_wanted = add_rows(*result, values);
          break;
        case PGRES_EMPTY_QUERY:
        case PGRES_COMMAND_OK: break;  // a statement without rows finds nothing
        default: outcome = failed(); break;  // the rest of the answers is read in any case
      }
    }
  }

 private:
  static bool add_rows(const PGresult& result, Values& values) {
    const int columns = ::PQnfields(&result);
    for (int row = 0; row < ::PQntuples(&result); ++row) {
      for (int i = 0; i < columns; ++i) {
        if (::PQgetisnull(&result, row, i) != 0) continue;
        if (!values.add({::PQgetvalue(&result, row, i), static_cast<std::size_t>(::PQgetlength(&result, row, i))})) return false;
      }
    }
    return true;
  }

  // Until the next result can be had without blocking.
  Result<void> wait(Clock::time_point deadline) {
    for (;;) {
      const int unsent = ::PQflush(connection_.get());
      if (unsent < 0) return failed();
      if (unsent == 0 && ::PQisBusy(connection_.get()) == 0) return {};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      std::array<pollfd, 1> fds{pollfd{::PQsocket(connection_.get()), static_cast<short>(unsent != 0 ? POLLIN | POLLOUT : POLLIN), 0}};
      const int ready = left.count() > 0 ? ::poll(fds.data(), fds.size(), static_cast<int>(left.count())) : 0;
      if (ready == 0) return base::fail(fmt::format("pgsql query failed (server {}): time limit exceeded", server_), connection_lost);
      if (ready > 0 && ::PQconsumeInput(connection_.get()) == 0) return failed();
    }
  }

  [[nodiscard]] base::Failure failed() const {
    return base::fail(fmt::format("pgsql query failed (server {}): {}", server_, one_line(::PQerrorMessage(connection_.get()))),
                      ::PQstatus(connection_.get()) == CONNECTION_BAD ? connection_lost : 0);
  }

  Connection connection_;
  std::string server_;
};

bool is_uri(std::string_view server) { return server.starts_with("postgresql://") || server.starts_with("postgres://"); }

class PgsqlClient final : public Client {
 public:
  static Result<std::unique_ptr<Client>> make(const Settings& settings) {
    auto client = std::make_unique<PgsqlClient>();
    client->servers = TRY(servers_of(settings, "hosts", "localhost"));
    client->templates = {{.what = "query", .text = TRY(query(settings))}};
    TRY(read_intervals(settings, *client));
    client->user_ = TRY(settings.string("user", ""));
    client->password_ = TRY(settings.string("password", ""));
    client->dbname_ = TRY(settings.string("dbname", ""));
    for (const Server& server : client->servers) {
      if (is_uri(server.name) || !client->dbname_.empty()) continue;
      return base::fail(fmt::format("pgsql:{} host target '{}' requires dbname setting", settings.source(), host_and_port(server.name).host));
    }
    client->encoding_ = TRY(settings.needed("encoding", "UTF8"));
    return client;
  }

  Result<std::unique_ptr<Session>> connect(const Server& server) const override {
    // The names and values of libpq's settings; an empty value is not set.
    const HostAndPort where = host_and_port(server.name);
    const std::string host = where.path.empty() ? where.host : directory_of(where.path);
    const std::string port = where.path.empty() ? (where.port != 0 ? std::to_string(where.port) : "") : port_of(where.path);
    const bool uri = is_uri(server.name);
    const std::array names{"connect_timeout", "client_encoding", "dbname", uri ? nullptr : "host", "port", "user", "password", static_cast<const char*>(nullptr)};
    const std::array values{connect_limit, encoding_.c_str(), uri ? server.name.c_str() : dbname_.c_str(), host.c_str(), port.c_str(),
                            user_.c_str(), password_.c_str(), static_cast<const char*>(nullptr)};
    Connection connection(::PQconnectdbParams(names.data(), values.data(), 1));
    if (!connection || ::PQstatus(connection.get()) != CONNECTION_OK) {
      const std::string why = connection ? one_line(::PQerrorMessage(connection.get())) : "out of memory";
      return base::fail(fmt::format("connect to pgsql server {}: {}", uri ? "(URI)" : server.name, why), connection_lost);
    }
    return std::make_unique<PgsqlSession>(std::move(connection), uri ? "(URI)" : server.name);  // a URI may have a password
  }

 private:
  static Result<std::string> query(const Settings& settings) {
    const std::string function = TRY(settings.string("select_function", ""));
    if (function.empty() || !TRY(settings.string("query", "")).empty()) return sql_query(settings);
    return fmt::format("SELECT {}('%s')", function);
  }
  // libpq wants the directory of a socket and has the port in its name; the whole path is understood, too.
  static constexpr std::string_view socket_name = "/.s.PGSQL.";
  static std::string directory_of(const std::string& path) { return path.substr(0, path.rfind(socket_name)); }
  static std::string port_of(const std::string& path) {
    const std::size_t at = path.rfind(socket_name);
    return at == std::string::npos ? "" : path.substr(at + socket_name.size());
  }

  std::string user_, password_, dbname_, encoding_;
};

constexpr Module pgsql{.make_client = &PgsqlClient::make};

}  // namespace
}  // namespace maps::module

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() { return &maps::module::pgsql; }
