// mysql:FILE: a MySQL or MariaDB server. Each column of each row is a value.

#include <memory>

#include <errmsg.h>
#include <fmt/core.h>
#include <mysql.h>

#include "lib/maps/module.h"
#include "lib/maps/modules/server_names.h"
#include "lib/maps/modules/sql_query.h"

namespace maps::module {
namespace {

constexpr unsigned time_limit = 30;                        // seconds to connect, and for each read and write
constexpr unsigned long packet_limit = 32UL * 1024 * 1024;   // bytes of a row

struct Close {
  void operator()(MYSQL* connection) const { ::mysql_close(connection); }
};
using Connection = std::unique_ptr<MYSQL, Close>;

struct Free {
  void operator()(MYSQL_RES* result) const { ::mysql_free_result(result); }
};

class MysqlSession final : public Session {
 public:
  MysqlSession(Connection connection, std::string server, bool needs_result)
      : connection_(std::move(connection)), server_(std::move(server)), needs_result_(needs_result) {}

  Result<std::string> quote(std::size_t, std::string_view text) override {
    std::string quoted(2 * text.size() + 1, '\0');
    const unsigned long size = ::mysql_real_escape_string(connection_.get(), quoted.data(), text.data(), text.size());
    if (size == static_cast<unsigned long>(-1)) return base::fail("the key cannot be quoted");
    quoted.resize(size);
    return quoted;
  }

  Result<void> ask(const std::vector<std::string>& questions, Values& values) override {
    const std::string& query = questions.front();
    if (::mysql_real_query(connection_.get(), query.data(), query.size()) != 0) return failed("mysql query failed");
    const bool has_result = TRY(read_result(values));
    if (!has_result && needs_result_) return base::fail(fmt::format("mysql query failed: the query returned no result set: {}", query));
    // A stored procedure's own status comes behind its result.
    for (;;) {
      const int next = ::mysql_next_result(connection_.get());
      if (next < 0) return {};
      if (next > 0) return failed("mysql query failed");
      Ignored ignored;
      if (TRY(read_result(ignored))) return base::fail(fmt::format("mysql query failed: the query returned more than one result set: {}", query));
    }
  }

 private:
  struct Ignored final : Values {
    bool add(std::string_view) override { return true; }
  };

  // Whether there was one.
  Result<bool> read_result(Values& values) {
    const std::unique_ptr<MYSQL_RES, Free> result(::mysql_use_result(connection_.get()));
    if (!result) {
      if (::mysql_errno(connection_.get()) != 0) return failed("mysql query failed");
      return false;
    }
    bool is_wanted = true;  // what is left must be read in any case: the next answer comes behind it
    const unsigned columns = ::mysql_num_fields(result.get());
    while (const MYSQL_ROW row = ::mysql_fetch_row(result.get())) {
      const unsigned long* const sizes = ::mysql_fetch_lengths(result.get());
      for (unsigned i = 0; is_wanted && i < columns; ++i) is_wanted = row[i] == nullptr || values.add({row[i], sizes[i]});
    }
    if (::mysql_errno(connection_.get()) != 0) return failed("mysql query failed");
    return true;
  }

  [[nodiscard]] base::Failure failed(std::string_view what) const {
    // The client's own errors (CR_...) are those of the connection.
    const bool is_lost = ::mysql_errno(connection_.get()) >= CR_MIN_ERROR;
    return base::fail(fmt::format("{} (server {}): {}", what, server_, ::mysql_error(connection_.get())), is_lost ? connection_lost : 0);
  }

  Connection connection_;
  std::string server_;
  bool needs_result_;
};

// Empty: not set.
struct Tls {
  std::string cert_file, key_file, ca_file, ca_path, ciphers;
  bool verifies = false;

  static Result<Tls> read(const Settings& settings) {
    Tls tls;
    tls.cert_file = TRY(settings.string("tls_cert_file", ""));
    tls.key_file = TRY(settings.string("tls_key_file", ""));
    tls.ca_file = TRY(settings.string("tls_CAfile", ""));
    tls.ca_path = TRY(settings.string("tls_CApath", ""));
    tls.ciphers = TRY(settings.string("tls_ciphers", ""));
    tls.verifies = TRY(settings.boolean("tls_verify_cert", false));
    return tls;
  }
  [[nodiscard]] bool is_wanted() const {
    return verifies || !(cert_file.empty() && key_file.empty() && ca_file.empty() && ca_path.empty() && ciphers.empty());
  }
  void apply(MYSQL* connection) const {
    if (!is_wanted()) return;
    const auto text = [](const std::string& value) { return value.empty() ? nullptr : value.c_str(); };
    ::mysql_ssl_set(connection, text(key_file), text(cert_file), text(ca_file), text(ca_path), text(ciphers));
    const my_bool yes = 1;
    const my_bool verify = verifies ? 1 : 0;
    // Who has set any of this does not want his password on the wire as it is.
    ::mysql_optionsv(connection, MYSQL_OPT_SSL_ENFORCE, &yes);
    ::mysql_optionsv(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  }
};

class MysqlClient final : public Client {
 public:
  static Result<std::unique_ptr<Client>> make(const Settings& settings) {
    auto client = std::make_unique<MysqlClient>();
    client->servers = TRY(servers_of(settings, "hosts", "localhost"));
    client->dbname_ = TRY(settings.needed("dbname", ""));
    client->templates = {{.what = "query", .text = TRY(sql_query(settings))}};
    TRY(read_intervals(settings, *client));
    client->user_ = TRY(settings.string("user", ""));
    client->password_ = TRY(settings.string("password", ""));
    client->charset_ = TRY(settings.needed("charset", "utf8mb4"));
    client->option_file_ = TRY(settings.string("option_file", ""));
    client->option_group_ = TRY(settings.string("option_group", "client"));
    client->needs_result_ = TRY(settings.boolean("require_result_set", true));
    client->tls_ = TRY(Tls::read(settings));
    return client;
  }

  Result<std::unique_ptr<Session>> connect(const Server& server) const override {
    Connection connection(::mysql_init(nullptr));
    if (!connection) return base::fail("out of memory", connection_lost);
    MYSQL* const handle = connection.get();
    for (const auto option : {MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_WRITE_TIMEOUT}) {
      ::mysql_optionsv(handle, option, &time_limit);
    }
    ::mysql_optionsv(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_limit);
    if (!option_file_.empty()) ::mysql_optionsv(handle, MYSQL_READ_DEFAULT_FILE, option_file_.c_str());
    if (!option_group_.empty()) ::mysql_optionsv(handle, MYSQL_READ_DEFAULT_GROUP, option_group_.c_str());
    ::mysql_optionsv(handle, MYSQL_SET_CHARSET_NAME, charset_.c_str());
    tls_.apply(handle);
    const HostAndPort where = host_and_port(server.name);
    const auto text = [](const std::string& value) { return value.empty() ? nullptr : value.c_str(); };
    if (::mysql_real_connect(handle, where.path.empty() ? where.host.c_str() : nullptr, text(user_), text(password_), dbname_.c_str(),
                             static_cast<unsigned>(where.port), text(where.path), CLIENT_MULTI_RESULTS) == nullptr) {
      return base::fail(fmt::format("connect to mysql server {}: {}", server.name, ::mysql_error(handle)), connection_lost);
    }
    return std::make_unique<MysqlSession>(std::move(connection), server.name, needs_result_);
  }

 private:
  std::string user_, password_, dbname_, charset_, option_file_, option_group_;
  bool needs_result_ = true;
  Tls tls_;
};

constexpr Module mysql{.make_client = &MysqlClient::make};

}  // namespace
}  // namespace maps::module

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() {
  // Not safe to be done by two threads at once, as each connection would.
  ::mysql_server_init(0, nullptr, nullptr);
  return &maps::module::mysql;
}
