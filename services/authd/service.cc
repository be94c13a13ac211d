#include "services/authd/service.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/base64.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"

namespace authd {
namespace {

using auth::WireLine;

constexpr std::chrono::seconds write_wait{30};
constexpr unsigned protocol_minor = 2;

base::Deadline soon() { return base::after(write_wait); }

std::string bytes_of(const WireLine& line, std::string_view field) {
  return base::decode_base64(line.value(field).value_or("")).value_or("");
}

Caller caller_of(const WireLine& line) {
  Caller caller{.service = line.value("service").value_or("unknown"),
                .client_address = line.value("rip").value_or(""),
                .local_address = line.value("lip").value_or(""),
                .is_encrypted = line.has("secured") || line.value("secured").has_value(),
                .binding = {.exporter = bytes_of(line, auth::binding_exporter_field), .unique = bytes_of(line, auth::binding_unique_field)},
                .certificate_user = std::nullopt,
                .session = line.has("nologin") ? std::string() : line.value(auth::session_field).value_or("")};
  if (line.has("valid-client-cert")) caller.certificate_user = line.value("cert_username");
  return caller;
}

bool is_service_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; });
}

}  // namespace

Service::Service(const Params& params, Parts parts, const base::Clock& clock)
    : params_(params),
      tables_(std::move(parts.tables)),
      exceptions_(std::move(parts.exceptions)),
      wanted_(std::move(parts.wanted)),
      authority_(std::move(parts.passdb), std::move(parts.format), params.myhostname, params.auth_allow_cleartext, std::move(parts.tokens)),
      userdb_(std::move(parts.userdb)),
      failures_(params.auth_failure_delay, params.auth_failure_delay_max, clock),
      tickets_(clock) {}

Result<std::unique_ptr<server::Service>> Service::make(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  auto wanted = TRY(parse_mechanisms(params.auth_mechanisms));
  auto format = NameFormat::parse(params.auth_username_format, params.auth_default_realm);
  if (!format) return base::Failure(std::move(format).error().within("auth_username_format"));
  Passdb passdb = TRY(Passdb::open(startup, params.auth_passdb, params.auth_pam_service));
  Userdb userdb = TRY(Userdb::open(startup, params.auth_userdb));
  std::unique_ptr<TokenSource> tokens;
  if (!params.auth_oauth_introspection_url.empty() || !params.auth_oauth_keys.empty()) {
    tokens = make_token_source(startup.services, params.auth_oauth_service_name,
                               {.scope = fmt::format("{}", fmt::join(ascii::split(params.auth_oauth_scope, ", \t\r\n"), " ")),
                                .openid_configuration = params.auth_oauth_openid_configuration});
  }
  for (const MechanismRow* row : wanted) {
    if (row->needs == Needs::token) {
      if (!tokens) maillog::warning("auth_mechanisms: {} is not offered: neither auth_oauth_keys nor auth_oauth_introspection_url is set", row->name);
    } else if (row->needs && !passdb.serves(*row->needs)) {
      maillog::warning("auth_mechanisms: {} is not offered: nothing in auth_passdb = {} has the passwords that it needs", row->name, params.auth_passdb);
    }
  }
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  auto exceptions = TRY(maps::MatchList::parse(*tables, "auth_failure_exceptions_networks", params.auth_failure_exceptions_networks,
                                               maps::ListKind::address, false));
  return std::make_unique<Service>(params, Parts{.wanted = std::move(wanted), .passdb = std::move(passdb), .format = std::move(*format), .tokens = std::move(tokens), .userdb = std::move(userdb),
                                                 .tables = std::move(tables), .exceptions = std::move(exceptions)},
                                   startup.clock);
}

// Who is not counted has no entry among the failures, so that nothing of him is remembered.
bool Service::is_counted(const std::string& address) const {
  if (exceptions_.empty() || !io::Address::parse(address)) return true;
  const auto is_exception = exceptions_.matches(address);
  if (!is_exception) maillog::warning("{}", is_exception.error().message());
  return !is_exception.value_or(false);
}

std::vector<const MechanismRow*> Service::mechanisms() const { return offered(wanted_, authority_.passdb(), authority_.tokens() != nullptr); }

void Service::give_up(const Login& login) {
  const std::string& address = login.exchange->caller().client_address;
  if (login.exchange->is_lost()) failures_.failed(address);
  failures_.end(address);
}

// The cookie is for those who check that an answer belongs to their question; nobody is let in for it.
void Service::greet(io::Stream& stream) {
  std::string text = fmt::format("VERSION\t{}\t{}\n", auth::protocol_major, protocol_minor);
  for (const MechanismRow* row : mechanisms()) text += fmt::format("MECH\t{}{}\n", row->name, auth::property_words(row->properties));
  text += fmt::format("SPID\t{}\nCUID\t{}\nCOOKIE\t{}\nDONE\n", ::getpid(), ++connections_, random_word());
  stream.write(text, soon());
}

void Service::serve(server::Connection& connection) {
  Conversation conversation{connection.stream, !connection.peer, {}};
  struct Cleaner {
    Service& service;
    Conversation& conversation;
    ~Cleaner() {
      for (const auto& [id, login] : conversation.logins) service.give_up(login);
    }
  } const cleaner{*this, conversation};
  greet(connection.stream);
  std::optional<server::Busy> busy;   // also between the steps of a login: a reload does not break it off
  while (!server::is_draining() || !conversation.logins.empty()) {
    const io::LineResult line = connection.stream.read_line(base::no_deadline, auth::wire_line_limit);
    if (!line) {
      if (line.end() == io::End::too_long) maillog::warning("a line is too long");
      return;
    }
    if (conversation.logins.empty() && server::is_outdated()) return;   // the successor is asked again
    if (!busy) busy.emplace(connection);
    if (!take(conversation, line.text())) return;
    if (connection.stream.flush(soon()) != io::End::ok) return;
    if (conversation.logins.empty()) busy.reset();
  }
}

bool Service::take(Conversation& conversation, std::string_view text) {
  const std::string kept(text);   // what follows parks
  const WireLine line = WireLine::parse(kept);
  if (line.command == "AUTH") return begin(conversation, line);
  if (line.command == "CONT") return go_on(conversation, line);
  if (line.command == "USER") return find_user(conversation, line);
  if (line.command == "TICKET") return redeem(conversation, line);
  if (line.command == "CANCEL") {
    const auto id = line.id();
    const auto found = id ? conversation.logins.find(*id) : conversation.logins.end();
    if (found == conversation.logins.end()) return true;
    give_up(found->second);
    conversation.logins.erase(found);
    return true;
  }
  if (line.command == "VERSION") {
    if (line.id() == auth::protocol_major) return true;
    maillog::warning("a client speaks another version of the protocol");
    return false;
  }
  return true;   // CPID, and what newer clients may say
}

// "USER ID NAME service=NAME ...", as Dovecot's service answers its mailbox processes. Not for who comes over the network.
bool Service::find_user(Conversation& conversation, const WireLine& line) {
  const auto id = line.id();
  if (!id || line.fields.size() < 2 || !conversation.is_local) {
    maillog::warning("a client does not keep to the protocol: USER");
    return false;
  }
  tell_user(conversation.stream, *id, authority_.format().apply(auth::unescape_field(line.fields[1])));
  return true;
}

// "TICKET ID TICKET service=NAME session=NUMBER". A ticket that is not good is told like a user that is not there.
bool Service::redeem(Conversation& conversation, const WireLine& line) {
  const auto id = line.id();
  if (!id || line.fields.size() < 2 || !conversation.is_local) {
    maillog::warning("a client does not keep to the protocol: TICKET");
    return false;
  }
  tell_user(conversation.stream, *id,
            tickets_.redeem(line.fields[1], line.value("service").value_or(""), line.value(auth::session_field).value_or("")));
  return true;
}

void Service::tell_user(io::Stream& stream, std::uint32_t id, const std::optional<std::string>& name) {
  const Result<std::optional<Mailbox>> found = name ? userdb_.find(*name) : Result<std::optional<Mailbox>>(std::nullopt);
  std::string answer = fmt::format("NOTFOUND\t{}", id);
  if (!found) {
    maillog::warning("user {} cannot be looked up: {}", ascii::printable(*name), found.error().message());
    answer = fmt::format("FAIL\t{}\ttemp", id);
  } else if (*found) {
    const Mailbox& mailbox = **found;
    answer = fmt::format("USER\t{}\t{}\tuid={}\tgid={}", id, auth::escape_field(*name), mailbox.uid, mailbox.gid);
    if (!mailbox.home.empty()) answer += "\thome=" + auth::escape_field(mailbox.home);
    if (!mailbox.mail.empty()) answer += "\tmail=" + auth::escape_field(mailbox.mail);
    if (!mailbox.quota_rule.empty()) answer += "\tquota_rule=" + auth::escape_field(mailbox.quota_rule);
  }
  stream.write(answer + "\n", soon());
}

// "AUTH ID MECHANISM service=NAME ... resp=BASE64"; resp= is the last.
bool Service::begin(Conversation& conversation, const WireLine& line) {
  const auto id = line.id();
  if (!id || line.fields.size() < 2 || conversation.logins.contains(*id) || conversation.logins.size() >= logins_per_connection) {
    maillog::warning("a client does not keep to the protocol: AUTH");
    return false;
  }
  const auto fails = [&](std::string_view why) {
    conversation.stream.write(fmt::format("FAIL\t{}\t{}\n", *id, why), soon());
    return true;
  };
  const MechanismRow* const mechanism = find_mechanism(line.fields[1]);
  const auto now_offered = mechanisms();
  if (mechanism == nullptr || std::ranges::find(now_offered, mechanism) == now_offered.end()) {
    maillog::warning("a client asks for the mechanism {}, which is not offered", ascii::printable(line.fields[1]));
    return fails("reason=No such mechanism");
  }
  Caller caller = caller_of(line);
  if (mechanism->is_bound() && caller.binding.empty()) {
    maillog::warning("a client asks for {} and does not say what the login is bound to", mechanism->name);
    return fails("reason=No such mechanism");
  }
  if (!is_service_name(caller.service)) {
    maillog::warning("a client does not keep to the protocol: service");
    return false;
  }
  auto given = line.value("resp");
  if (given && given->empty()) given = std::nullopt;
  if (given == auth::empty_response) given = "";
  const auto response = given ? base::decode_base64(*given) : std::nullopt;
  if (given && !response) return fails("reason=Invalid base64 data in initial response");
  const std::string address = caller.client_address;
  if (is_counted(address) && !failures_.begin(address)) {
    maillog::warning("{}: too many logins at a time", ascii::printable(address));
    return fails("temp");
  }
  auto exchange = Exchange::begin(authority_, *mechanism, std::move(caller));
  if (!exchange) {
    failures_.end(address);
    maillog::warning("{}", exchange.error().message());
    return fails("temp");
  }
  conversation.logins.emplace(*id, Login{std::move(*exchange)});
  advance(conversation, *id, response);
  return true;
}

bool Service::go_on(Conversation& conversation, const WireLine& line) {
  const auto id = line.id();
  if (!id || !conversation.logins.contains(*id)) {
    maillog::warning("a client does not keep to the protocol: CONT");
    return false;
  }
  const auto response = base::decode_base64(line.fields.size() > 1 ? line.fields[1] : std::string_view());
  if (!response) end(conversation, *id, {Step::Kind::refused, {}, "no base64", "Invalid base64 data in continued response"});
  else advance(conversation, *id, response);
  return true;
}

void Service::advance(Conversation& conversation, std::uint32_t id, const std::optional<std::string>& response) {
  Login& login = conversation.logins.at(id);
  // Who has failed waits before his next try is looked at, right or wrong.
  const auto wait = failures_.wait(login.exchange->caller().client_address);
  if (login.steps == 0 && wait.count() > 0) event::sleep_until(base::after(wait));
  const Step step = ++login.steps > steps_limit ? Step{Step::Kind::refused, {}, "no end of steps", {}} : login.exchange->step(response);
  if (step.kind != Step::Kind::challenge) return end(conversation, id, step);
  conversation.stream.write(fmt::format("CONT\t{}\t{}\n", id, base::encode_base64(step.bytes)), soon());
}

void Service::end(Conversation& conversation, std::uint32_t id, const Step& step) {
  const std::unique_ptr<Exchange> exchange = std::move(conversation.logins.at(id).exchange);
  conversation.logins.erase(id);
  const Caller& caller = exchange->caller();
  std::string answer;
  if (step.kind == Step::Kind::accepted) {
    answer = fmt::format("OK\t{}\tuser={}", id, auth::escape_field(exchange->user()));
    const bool is_anonymous = (exchange->mechanism().properties & auth::Property::anonymous) != auth::Property::none;
    if (is_anonymous) answer += "\tanonymous";
    if (!caller.session.empty() && !is_anonymous) {
      if (const auto ticket = tickets_.issue(exchange->user(), caller.service, caller.session)) {
        answer += fmt::format("\t{}={}", auth::ticket_field, *ticket);
      }
    }
  } else {
    const bool is_temporary = step.kind == Step::Kind::unavailable;
    answer = fmt::format("FAIL\t{}", id);
    if (!exchange->user().empty()) answer += fmt::format("\tuser={}", auth::escape_field(exchange->user()));
    if (!step.reason.empty()) answer += fmt::format("\treason={}", auth::escape_field(step.reason));
    if (is_temporary) answer += "\ttemp";
    const std::string what = fmt::format("service={}, client={}, method={}, user=<{}>: {}", caller.service, caller.client_address,
                                         exchange->mechanism().name, exchange->user(), step.why);
    if (is_temporary) maillog::warning("login cannot be checked: {}", what);
    else {
      failures_.failed(caller.client_address);
      maillog::info("login failed: {} (failures of this client: {})", what, failures_.count(caller.client_address));
      event::sleep_until(base::after(params_.auth_failure_delay));
    }
  }
  failures_.end(caller.client_address);
  conversation.stream.write(answer + "\n", soon());
}

}  // namespace authd
