// memcache:FILE: a memcached server, a cache of another table or of what programs keep for a while.

#include <charconv>
#include <chrono>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/maps/client_settings.h"
#include "lib/maps/key_template.h"
#include "lib/maps/registry.h"
#include "lib/maps/server_connections.h"

namespace maps {
namespace {

constexpr std::string_view default_port = "11211";
constexpr ServerLifetime lifetime{std::chrono::hours(24 * 365), std::chrono::hours(24 * 365)};  // never closed by us
constexpr std::chrono::seconds longest_timeout{100};  // for "timeout = 0": nothing is waited for without end
constexpr std::size_t key_limit = 250;  // bytes, of the protocol

struct Settings {
  ServerAddress server;
  std::string backup;           // a table; empty: none
  int flags = 0;
  int ttl = 0;                  // seconds, or an absolute time
  int data_limit = 0;           // bytes of a value
  int line_limit = 0;           // bytes of a line
  int attempts = 0;
  std::chrono::seconds pause{};
  std::chrono::seconds timeout{};
  KeyTemplate key;
  std::string domains;

  static Result<Settings> read(const module::Settings& from) {
    Settings settings;
    const std::string server = TRY(from.string("memcache", "inet:localhost:11211"));
    settings.server = TRY(server_of(server));
    settings.backup = TRY(from.string("backup", ""));
    settings.flags = TRY(from.integer("flags", 0, 0));
    settings.ttl = TRY(from.integer("ttl", 3600, 0));
    settings.data_limit = TRY(from.integer("data_size_limit", 10240, 1));
    settings.line_limit = TRY(from.integer("line_size_limit", 1024, 1));
    settings.attempts = TRY(from.integer("max_try", 2, 1));
    settings.pause = std::chrono::seconds(TRY(from.integer("retry_pause", 1, 1)));
    const int timeout = TRY(from.integer("timeout", 2, 0));
    settings.timeout = timeout > 0 ? std::chrono::seconds(timeout) : longest_timeout;
    const std::string format = TRY(from.needed("key_format", "%s"));
    settings.key = TRY(KeyTemplate::parse(format, from.source(), "query"));
    settings.domains = TRY(from.string("domain", ""));
    return settings;
  }

 private:
  static Result<ServerAddress> server_of(const std::string& name) {
    const bool has_port = name.find(':') != name.rfind(':') && !name.ends_with(']');
    auto address = TRY(ServerAddress::parse_transport(has_port || !name.starts_with("inet:") ? name : fmt::format("{}:{}", name, default_port)));
    if (!address) return base::fail(fmt::format("need service transport:endpoint instead of \"{}\"", name));
    address->text = name;
    return std::move(*address);
  }
};

class MemcacheTable final : public Table {
 public:
  MemcacheTable(const OpenRequest& request, Settings settings, MatchList domains, std::shared_ptr<Table> backup)
      : Table(request.full_name()), settings_(std::move(settings)), domains_(std::move(domains)), backup_(std::move(backup)),
        connections_(settings_.server, lifetime) {}

  // What the backup finds is kept in the cache; that is no part of the lookup's success.
  Result<Found> lookup(std::string_view key) override {
    const auto name = TRY(cache_key(key));
    if (!name) return Found{};
    auto cached = get(*name);
    if (cached && *cached) return cached;
    if (!backup_) return cached;
    Found found = TRY(backup_->lookup(key));
    if (found) static_cast<void>(set(*name, *found));
    return found;
  }

  Result<void> put(std::string_view key, std::string_view value) override {
    const auto name = TRY(cache_key(key));
    if (!name) return skipped("update", key);
    if (backup_) TRY(backup_->put(key, value));
    auto done = set(*name, value);
    return backup_ ? Result<void>() : done;
  }

  Result<bool> erase(std::string_view key) override {
    const auto name = TRY(cache_key(key));
    if (!name) {
      TRY(skipped("delete", key));
      return false;
    }
    // A cache that still has what the backup has lost would be wrong.
    auto cached = command(fmt::format("delete {}\r\n", *name));
    if (!backup_) {
      if (!cached) return base::Failure(std::move(cached).error());
      return *cached == "DELETED";
    }
    const bool erased = TRY(backup_->erase(key));
    if (!cached) return base::Failure(std::move(cached).error());
    return erased;
  }

  Result<void> each(const Visitor& visit) override { return backup_ ? backup_->each(visit) : Table::each(visit); }
  Result<void> ready() override { return backup_ ? backup_->ready() : Result<void>(); }

 private:
  // None: the table has nothing to do with this key.
  Result<std::optional<std::string>> cache_key(std::string_view key) const {
    const AddressParts parts(key);
    if (!domains_.empty()) {
      if (parts.domain.empty() || parts.local.empty()) return std::nullopt;
      if (!TRY(domains_.matches(parts.domain))) return std::nullopt;
    }
    return settings_.key.question(parts, [](std::string_view part) -> Result<std::string> { return encoded(part); });
  }

  // The protocol's words end at a blank and its lines at a line break: such bytes, and the sign of the encoding, as %XX.
  static std::string encoded(std::string_view text) {
    std::string result;
    for (const char c : text) {
      if (static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '%') {
        result += c;
      } else {
        result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
      }
    }
    return result;
  }

  [[nodiscard]] Result<void> skipped(std::string_view operation, std::string_view key) const {
    maillog::warning("{}: skipping {} for key \"{}\": domain mismatch, or the key lacks what key_format asks for", name(), operation, key);
    return {};
  }

  // Calls `talk` with a connection until it succeeds, or has been tried often enough. A server that does not accept
  // connections is tried once.
  template <class Talk>
  auto attempt(Talk&& talk) -> std::invoke_result_t<Talk, io::Stream&, Deadline> {
    for (int tried = 1;; ++tried) {
      const Deadline deadline = base::after(settings_.timeout);
      auto connection = connections_.take(deadline);
      if (!connection) {
        maillog::warning("{}: connect to {}: {}", name(), connections_.name(), connection.error().message());
        return base::Failure(std::move(connection).error());
      }
      auto answer = talk(connection->stream, deadline);
      if (answer) {
        connections_.keep(std::move(*connection));
        return answer;
      }
      maillog::warning("{}: server {}: {}", name(), connections_.name(), answer.error().message());
      if (tried >= settings_.attempts) return answer;
      if (!connection->is_reused) event::sleep_until(base::after(settings_.pause));
    }
  }

  Result<std::string> read_line(io::Stream& stream, Deadline deadline) const {
    const io::LineResult line = stream.read_line(deadline, static_cast<std::size_t>(settings_.line_limit));
    if (line) return std::string(line.text());
    return base::fail(line.end() == io::End::timeout    ? "time limit exceeded"
                      : line.end() == io::End::too_long ? fmt::format("a line is longer than {} bytes", settings_.line_limit)
                                                        : "unexpected disconnect");
  }

  // A command whose answer is one line.
  Result<std::string> command(const std::string& text) {
    return attempt([&](io::Stream& stream, Deadline deadline) -> Result<std::string> {
      stream.write(text, deadline);
      return read_line(stream, deadline);
    });
  }

  Result<void> set(std::string_view key, std::string_view value) {
    if (key.size() > key_limit) return {};
    const std::string answer = TRY(command(fmt::format("set {} {} {} {}\r\n{}\r\n", key, settings_.flags, settings_.ttl, value.size(), value)));
    if (answer == "STORED") return {};
    maillog::warning("{}: update failed: {}", name(), answer);
    return base::fail(fmt::format("update failed: {}", answer));
  }

  // "VALUE key flags size", the value, "END"; or "END" alone.
  Result<Found> get(std::string_view key) {
    if (key.size() > key_limit) return Found{};
    return attempt([&](io::Stream& stream, Deadline deadline) -> Result<Found> {
      stream.write(fmt::format("get {}\r\n", key), deadline);
      const std::string line = TRY(read_line(stream, deadline));
      if (line == "END") return Found{};
      const std::vector<std::string_view> words = ascii::split(line, " ");
      const auto size = words.size() == 4 && words[0] == "VALUE" ? ascii::parse_number(words[3], static_cast<std::uint64_t>(settings_.data_limit)) : std::nullopt;
      if (!size) return base::fail(fmt::format("unexpected answer, or a value of more than {} bytes: {}", settings_.data_limit, line));
      std::string value;
      if (stream.read_exact(value, *size + 2, deadline) != io::End::ok || !value.ends_with("\r\n")) return base::fail("the value is cut off");
      if (TRY(read_line(stream, deadline)) != "END") return base::fail("the answer has no end");
      value.resize(*size);
      return Found(value.substr(0, value.find('\0')));
    });
  }

  Settings settings_;
  MatchList domains_;
  std::shared_ptr<Table> backup_;
  ServerConnections connections_;
};

}  // namespace

OpenResult open_memcache(const OpenRequest& request) {
  const auto from = TRY(ClientSettings::read(request));
  Settings settings = TRY(Settings::read(*from));
  MatchList domains = TRY(MatchList::parse(request.tables, from->source() + " domain", settings.domains, ListKind::string, false));
  std::shared_ptr<Table> backup;
  if (!settings.backup.empty()) {
    backup = TRY(request.for_update ? request.tables.open_for_update(settings.backup, request.flags) : request.tables.open(settings.backup, request.flags));
  }
  return std::make_shared<MemcacheTable>(request, std::move(settings), std::move(domains), std::move(backup));
}

}  // namespace maps
