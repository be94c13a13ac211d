// sqlite:FILE: a SQLite database, opened once and read only. The first column of each row is a value.

#include <chrono>
#include <memory>

#include <fmt/core.h>
#include <sqlite3.h>

#include "lib/maps/module.h"
#include "lib/maps/modules/sql_query.h"

namespace maps::module {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int busy_limit = 10'000;                    // milliseconds that somebody who writes is waited for
constexpr std::chrono::seconds query_limit{30};
constexpr int steps_between_looks = 10'000;           // of the database's virtual machine, at the clock

struct Close {
  void operator()(sqlite3* database) const { ::sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
struct Free {
  void operator()(char* text) const { ::sqlite3_free(text); }
};

class SqliteSession final : public Session {
 public:
  explicit SqliteSession(std::unique_ptr<sqlite3, Close> database) : database_(std::move(database)) {
    ::sqlite3_busy_timeout(database_.get(), busy_limit);
    ::sqlite3_progress_handler(database_.get(), steps_between_looks, [](void* self) -> int {
      return Clock::now() > static_cast<SqliteSession*>(self)->deadline_ ? 1 : 0;
    }, this);
  }

  Result<std::string> quote(std::size_t, std::string_view text) override {
    const std::unique_ptr<char, Free> quoted(::sqlite3_mprintf("%q", std::string(text).c_str()));
    if (!quoted) return base::fail("out of memory");
    return std::string(quoted.get());
  }

  Result<void> ask(const std::vector<std::string>& questions, Values& values) override {
    deadline_ = Clock::now() + query_limit;
    const std::string& query = questions.front();
    sqlite3_stmt* handle = nullptr;
    const int prepared = ::sqlite3_prepare_v2(database_.get(), query.data(), static_cast<int>(query.size()), &handle, nullptr);
    const std::unique_ptr<sqlite3_stmt, Finalize> statement(handle);
    if (prepared != SQLITE_OK) return base::fail(fmt::format("SQL prepare failed: {}", ::sqlite3_errmsg(database_.get())));
    if (!statement) return base::fail("SQL prepare failed: there is no statement in the query");
    for (;;) {
      const int stepped = ::sqlite3_step(handle);
      if (stepped == SQLITE_DONE) return {};
      if (stepped != SQLITE_ROW) {
        return base::fail(fmt::format("SQL step failed for query '{}': {}", query, ::sqlite3_errmsg(database_.get())));
      }
      const auto* const text = reinterpret_cast<const char*>(::sqlite3_column_text(handle, 0));
      const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(handle, 0));
      if (text != nullptr && !values.add({text, size})) return {};
    }
  }

 private:
  Clock::time_point deadline_;
  std::unique_ptr<sqlite3, Close> database_;
};

class SqliteClient final : public Client {
 public:
  Result<std::unique_ptr<Session>> connect(const Server& server) const override {
    sqlite3* handle = nullptr;
    const int code = ::sqlite3_open_v2(server.name.c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    std::unique_ptr<sqlite3, Close> database(handle);
    if (code != SQLITE_OK) {
      const int reason = database ? ::sqlite3_system_errno(handle) : 0;
      const std::string what = fmt::format("open database {}: {}", server.name, ::sqlite3_errstr(code));
      return reason != 0 ? base::Failure(base::Error::system(what, reason)) : base::fail(what);
    }
    return std::make_unique<SqliteSession>(std::move(database));
  }
};

// What is in double quotes is the name of a column, if there is one: an address could be one, and could end it with a
// quote that the escaping for texts leaves alone. A part of the key is always meant as a text.
std::string with_texts(std::string_view query) {
  std::string result;
  for (std::size_t at = 0; at < query.size();) {
    const char quote = query[at];
    const std::size_t end = quote == '\'' || quote == '"' ? query.find(quote, at + 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      result += query[at++];
      continue;
    }
    const std::string_view inside = query.substr(at + 1, end - at - 1);
    const bool becomes_text = quote == '"' && inside.contains('%') && !inside.contains('\'');
    const char used = becomes_text ? '\'' : quote;
    result.append(1, used).append(inside).append(1, used);
    at = end + 1;
  }
  return result;
}

Result<std::unique_ptr<Client>> make_client(const Settings& settings) {
  auto client = std::make_unique<SqliteClient>();
  client->servers = {{.name = TRY(settings.needed("dbpath", "")), .is_local = true}};
  client->templates = {{.what = "query", .text = with_texts(TRY(sql_query(settings)))}};
  client->connects_at_open = true;
  client->idle_interval = std::chrono::seconds(0);
  client->sessions_limit = 1;
  return client;
}

constexpr Module sqlite{.make_client = &make_client};

}  // namespace
}  // namespace maps::module

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() { return &maps::module::sqlite; }
