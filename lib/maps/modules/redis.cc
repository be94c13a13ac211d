// redis:FILE: a Redis server. The query is a command whose answer, or each element of it, is a value.

#include <chrono>
#include <memory>

#include <fmt/core.h>
#include <hiredis/hiredis.h>

#include "lib/maps/module.h"
#include "lib/maps/modules/server_names.h"

namespace maps::module {
namespace {

constexpr int default_port = 6379;
constexpr std::size_t depth_limit = 7;  // of arrays in an answer

struct Close {
  void operator()(redisContext* connection) const { ::redisFree(connection); }
};
using Connection = std::unique_ptr<redisContext, Close>;

struct Free {
  void operator()(void* reply) const { ::freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, Free>;

// The words stay words, whatever is in them.
Result<Reply> command(redisContext* connection, const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  Reply reply(static_cast<redisReply*>(::redisCommandArgv(connection, static_cast<int>(words.size()), texts.data(), sizes.data())));
  if (!reply) return base::fail(connection->errstr, connection_lost);
  if (reply->type == REDIS_REPLY_ERROR) return base::fail(std::string(reply->str, reply->len));
  return reply;
}

class RedisSession final : public Session {
 public:
  RedisSession(Connection connection, std::string server) : connection_(std::move(connection)), server_(std::move(server)) {}

  // A word of a command has a length of its own and needs no quotes.
  Result<std::string> quote(std::size_t, std::string_view text) override { return std::string(text); }

  Result<void> ask(const std::vector<std::string>& questions, Values& values) override {
    const auto reply = command(connection_.get(), questions);
    if (!reply) return base::fail(fmt::format("redis query failed (server {}): {}", server_, reply.error().message()), reply.error().code());
    return add(**reply, values, 0);
  }

 private:
  static Result<void> add(const redisReply& reply, Values& values, std::size_t depth) {
    switch (reply.type) {
      case REDIS_REPLY_STATUS:
      case REDIS_REPLY_STRING: static_cast<void>(values.add({reply.str, reply.len})); return {};
      case REDIS_REPLY_INTEGER: static_cast<void>(values.add(std::to_string(reply.integer))); return {};
      case REDIS_REPLY_NIL: return {};
      case REDIS_REPLY_ARRAY:
        if (depth == depth_limit) break;
        for (std::size_t i = 0; i < reply.elements; ++i) TRY(add(*reply.element[i], values, depth + 1));
        return {};
      default: break;
    }
    return base::fail("redis query failed: an answer of this kind is not understood");
  }

  Connection connection_;
  std::string server_;
};

class RedisClient final : public Client {
 public:
  static Result<std::unique_ptr<Client>> make(const Settings& settings) {
    auto client = std::make_unique<RedisClient>();
    client->servers = TRY(servers_of(settings, "hosts", "inet:localhost:6379"));
    TRY(read_intervals(settings, *client));
    client->user_ = TRY(settings.string("user", ""));
    client->password_ = TRY(settings.string("password", ""));
    client->database_ = TRY(settings.integer("dbname", 0, 0));
    client->timeout_ = TRY(settings.integer("timeout", 10, 1));
    // Divided before the key is put in: it is never more than a part of one word.
    for (std::string& word : words_of(TRY(settings.needed("query", "GET %s")), " \t\r\n")) {
      client->templates.push_back({.what = "query", .text = std::move(word)});
    }
    if (client->templates.empty()) return base::fail(fmt::format("{}: the query has no command", settings.source()));
    return client;
  }

  Result<std::unique_ptr<Session>> connect(const Server& server) const override {
    const HostAndPort where = host_and_port(server.name);
    const timeval limit{.tv_sec = timeout_, .tv_usec = 0};
    Connection made(where.path.empty()
                              ? ::redisConnectWithTimeout(where.host.c_str(), where.port != 0 ? where.port : default_port, limit)
                              : ::redisConnectUnixWithTimeout(where.path.c_str(), limit));
    const auto failed = [&](std::string_view why) {
      return base::fail(fmt::format("connect to redis server {}: {}", server.name, why), connection_lost);
    };
    if (!made) return failed("out of memory");
    if (made->err != 0) return failed(made->errstr);
    ::redisSetTimeout(made.get(), limit);
    if (!password_.empty()) {
      const auto done = user_.empty() ? command(made.get(), {"AUTH", password_}) : command(made.get(), {"AUTH", user_, password_});
      if (!done) return failed(done.error().message());
    }
    if (database_ != 0) {
      const auto done = command(made.get(), {"SELECT", std::to_string(database_)});
      if (!done) return failed(done.error().message());
    }
    return std::make_unique<RedisSession>(std::move(made), server.name);
  }

 private:
  std::string user_, password_;
  int database_ = 0;
  int timeout_ = 0;  // seconds
};

constexpr Module redis{.make_client = &RedisClient::make};

}  // namespace
}  // namespace maps::module

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() { return &maps::module::redis; }
