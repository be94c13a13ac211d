#include "lib/auth/client.h"

#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"

namespace auth {
namespace {

// One that has been idle for longer is not used again.
constexpr maps::ServerLifetime lifetime{std::chrono::seconds(60), std::chrono::hours(1)};
constexpr std::uint32_t last_id = UINT32_MAX;

constexpr std::string_view connection_lost = "Connection lost to authentication server";

base::Failure lost(io::End end) { return base::fail(std::string(connection_lost), end == io::End::timeout ? ETIMEDOUT : ECONNRESET); }

bool is_name(std::string_view user) {
  if (user.empty() || user.size() > user_limit) return false;
  for (const char c : user) {
    if (ascii::is_control(c)) return false;
  }
  return true;
}

std::string first_line(const Attempt& attempt, std::uint32_t id) {
  const std::string login =
      attempt.session.empty() ? "nologin" : fmt::format("{}={}", session_field, escape_field(attempt.session));
  std::string line = fmt::format("AUTH\t{}\t{}\tservice={}\t{}\tlip={}\trip={}", id, escape_field(attempt.mechanism),
                                 escape_field(attempt.service), login, escape_field(attempt.local_address),
                                 escape_field(attempt.remote_address));
  if (attempt.is_encrypted) line += "\tsecured";
  if (attempt.binding != nullptr) {
    const auto add = [&](std::string_view name, const std::string& bytes) {
      if (!bytes.empty()) line += fmt::format("\t{}={}", name, base::encode_base64(bytes));
    };
    add(binding_exporter_field, attempt.binding->exporter);
    add(binding_unique_field, attempt.binding->unique);
  }
  // Has to be the last. Nothing behind it would mean that there is no initial response.
  if (attempt.initial) line += fmt::format("\tresp={}", attempt.initial->empty() ? empty_response : *attempt.initial);
  return line + "\n";
}

// The answer in a line of ours. The error: it is none.
Result<Answer> read_answer(const WireLine& line) {
  const std::string user = line.value("user").value_or("");
  if (line.command == "CONT") {
    return Answer{Answer::Kind::challenge, line.fields.size() > 1 ? std::string(line.fields[1]) : std::string(), {}, {}};
  }
  if (line.command == "OK") {
    if (!is_name(user)) return base::fail("Authentication backend error");
    return Answer{Answer::Kind::accepted, {}, user, line.value(ticket_field).value_or("")};
  }
  const bool is_temporary = line.has("temp") || line.value("code") == "temp_fail";
  return Answer{is_temporary ? Answer::Kind::unavailable : Answer::Kind::refused, line.value("reason").value_or(""), user, {}};
}

}  // namespace

Client::Client(std::string name, maps::ServerAddress address) : name_(std::move(name)), connections_(std::move(address), lifetime) {}

Result<Client> Client::to(std::string_view path) {
  auto address = TRY(maps::ServerAddress::parse_transport(path));
  if (!address) address = {.text = std::string(path), .host = {}, .service = {}, .path = std::string(path)};
  return Client(std::string(path), std::move(*address));
}

// Both ends say who they are at once; the server's part ends with DONE.
Result<void> Client::greet(io::Stream& stream, Deadline deadline) {
  stream.write(fmt::format("VERSION\t{}\t0\nCPID\t{}\n", protocol_major, ::getpid()), deadline);
  std::vector<Mechanism> offered;
  bool has_version = false;
  for (int lines = 0; lines < noise_limit; ++lines) {
    const io::LineResult read = stream.read_line(deadline, wire_line_limit);
    if (!read) return lost(read.end());
    const WireLine line = WireLine::parse(read.text());
    if (line.command == "VERSION") {
      if (line.id() != protocol_major) return base::fail("speaks another version of the protocol");
      has_version = true;
    } else if (line.command == "MECH" && !line.fields.empty()) {
      Property properties = Property::none;
      for (const std::string_view word : line.fields) properties = properties | property_of(word);
      offered.push_back({std::string(line.fields.front()), properties});
      if (offered.size() > mechanisms_limit) return base::fail("offers too many mechanisms");
    } else if (line.command == "DONE") {
      if (!has_version) return base::fail("says no version");
      mechanisms_ = std::move(offered);
      return {};
    }
    // SPID, CUID and COOKIE are for those who hand a login on.
  }
  return base::fail("does not end its greeting");
}

Result<maps::ServerConnections::Connection> Client::connect(Deadline deadline) {
  auto connection = connections_.take(deadline);
  if (!connection) return base::Failure(std::move(connection).error().within("connect to authentication server " + name_));
  if (!connection->is_reused) {
    if (auto done = greet(connection->stream, deadline); !done) {
      return base::Failure(std::move(done).error().within("authentication server " + name_));
    }
  }
  return connection;
}

Result<std::vector<Mechanism>> Client::mechanisms() {
  if (mechanisms_.empty()) connections_.keep(TRY(connect(base::after(answer_wait))));
  return mechanisms_;
}

Result<Client::Started> Client::start(const Attempt& attempt) {
  const Deadline deadline = base::after(answer_wait);
  for (;;) {
    auto connection = TRY(connect(deadline));
    const bool is_reused = connection.is_reused;
    if (last_id_ == last_id) last_id_ = 0;   // after four thousand million attempts; those connections have long been closed
    Exchange exchange(*this, std::move(connection), ++last_id_);
    exchange.connection_.stream.write(first_line(attempt, exchange.id_), deadline);
    auto answer = exchange.await(deadline);
    if (answer) return Started{std::move(exchange), std::move(*answer)};
    // The server may have been restarted since the connection was used last.
    if (!is_reused || answer.error().code() != ECONNRESET) return base::Failure(std::move(answer).error());
  }
}

Result<std::optional<User>> Client::user(std::string_view name, std::string_view service) {
  return ask_for_user("USER", fmt::format("{}\tservice={}", escape_field(name), escape_field(service)));
}

Result<std::optional<User>> Client::redeem(std::string_view ticket, std::string_view service, std::string_view session) {
  return ask_for_user("TICKET", fmt::format("{}\tservice={}\t{}={}", escape_field(ticket), escape_field(service), session_field, escape_field(session)));
}

Result<std::optional<User>> Client::ask_for_user(std::string_view command, std::string_view what) {
  const Deadline deadline = base::after(answer_wait);
  auto connection = TRY(connect(deadline));
  if (last_id_ == last_id) last_id_ = 0;
  const std::uint32_t id = ++last_id_;
  connection.stream.write(fmt::format("{}\t{}\t{}\n", command, id, what), deadline);
  for (int lines = 0; lines < noise_limit; ++lines) {
    const io::LineResult read = connection.stream.read_line(deadline, wire_line_limit);
    if (!read) return lost(read.end());
    const WireLine line = WireLine::parse(read.text());
    if (line.id() != id || (line.command != "USER" && line.command != "NOTFOUND" && line.command != "FAIL")) continue;
    if (line.command == "FAIL") return base::fail("the server cannot tell now");
    std::optional<User> user;
    if (line.command == "USER" && line.fields.size() > 1) {
      user = User{unescape_field(line.fields[1]), line.value("uid").value_or(""), line.value("gid").value_or(""), line.value("home").value_or(""),
                  line.value("mail").value_or(""), line.value("quota_rule").value_or("")};
    }
    connections_.keep(std::move(connection));
    return user;
  }
  return base::fail(std::string(connection_lost), EPROTO);
}

Result<Answer> Exchange::go_on(std::string_view response) {
  const Deadline deadline = base::after(answer_wait);
  connection_.stream.write(fmt::format("CONT\t{}\t{}\n", id_, response), deadline);
  return await(deadline);
}

Result<Answer> Exchange::await(Deadline deadline) {
  for (int lines = 0; lines < noise_limit; ++lines) {
    const io::LineResult read = connection_.stream.read_line(deadline, wire_line_limit);
    if (!read) return lost(read.end());
    const WireLine line = WireLine::parse(read.text());
    if (line.command != "OK" && line.command != "CONT" && line.command != "FAIL") continue;
    const auto id = line.id();
    if (!id) return base::fail(std::string(connection_lost), EPROTO);
    if (*id != id_) continue;
    auto answer = read_answer(line);
    if (answer && answer->kind != Answer::Kind::challenge) client_.connections_.keep(std::move(connection_));
    return answer;
  }
  return base::fail(std::string(connection_lost), EPROTO);
}

}  // namespace auth
