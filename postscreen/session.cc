#include "postscreen/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>

#include <fmt/format.h>
#include <sys/socket.h>

#include "lib/base/c_escapes.h"
#include "lib/log/lines.h"
#include "lib/log/log.h"
#include "postscreen/engine.h"
#include "postscreen/screen.h"

namespace postscreen {
namespace {

constexpr std::size_t looked_at = 1023;   // bytes of what comes too soon; more are not counted
constexpr std::size_t shown = 100;        // characters of them in the log
// A client who has failed a test after the greeting, where that is ignored: or he would never get through.
constexpr std::chrono::seconds lifetime_of_ignored{60};

smtp::Reply protocol_error(int code) { return {code, "5.5.1 Protocol error"}; }

bool is_too_much(int count, int limit) { return limit > 0 && count > limit; }

std::string_view said(bool is_respectful, std::string_view word) {
  if (is_respectful) return word;
  return word == "ALLOWLISTED" ? "WHITELISTED" : word == "DENYLISTED" ? "BLACKLISTED" : "WHITELIST VETO";
}

// One reply, which fits into any socket's buffer: nobody waits for it.
void send_now(int connection, std::string_view text) {
  [[maybe_unused]] const ssize_t ignored = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Session::Session(Screen& screen, unsigned long number, Fd connection, const io::Endpoint& client, const io::Endpoint& server)
    : screen_(screen),
      number_(number),
      connection_(std::move(connection)),
      client_(client),
      server_(server),
      name_(fmt::format("[{}]:{}", client.address.text(), client.port)),
      connected_(screen.clock().now()) {}

Session::~Session() {
  if (inquiry_) inquiry_->on_complete.erase(number_);
}

void Session::begin() {
  maillog::info("CONNECT from {} to [{}]:{}", name_, server_.address.text(), server_.port);
  screen_.note_stress();
  if (!is_admitted() || !passes_lists()) return;
  if (due_.has_before_greeting()) wait_for_greeting();
  else go_on();
}

bool Session::is_admitted() {
  const Params& params = screen_.settings().params;
  if (is_too_much(screen_.connections_of(client_.address), params.postscreen_client_connection_count_limit)) {
    maillog::info("NOQUEUE: reject: CONNECT from {}: too many connections", name_);
    cut_off({421, "4.7.0 Error: too many connections"});
    return false;
  }
  if (screen_.tested() >= params.postscreen_pre_queue_limit) {
    maillog::info("reject: connect from {}: all screening ports busy", name_);
    cut_off({421, "4.3.2 All screening ports are busy"});
    return false;
  }
  if (!screen_.has_no_server()) return true;
  refuse_for_want_of_servers();
  return false;
}

void Session::refuse_for_want_of_servers() {
  maillog::info("NOQUEUE: reject: CONNECT from {}: all server ports busy", name_);
  cut_off({421, "4.3.2 All server ports are busy"});
}

bool Session::passes_lists() {
  const Settings& settings = screen_.settings();
  const bool is_respectful = settings.params.respectful_logging;
  const std::string address = client_.address.text();
  switch (screen_.lists().access.decide(address)) {
    case Access::permit:
      maillog::info("{} {}", said(is_respectful, "ALLOWLISTED"), name_);
      pass();
      return false;
    case Access::reject:
      maillog::info("{} {}", said(is_respectful, "DENYLISTED"), name_);
      if (settings.denylist == Action::drop) {
        cut_off({521, "5.3.2 Service currently unavailable"});
        return false;
      }
      if (settings.denylist == Action::enforce) refuse({550, "5.3.2 Service currently unavailable"});
      break;
    case Access::dunno: break;
  }
  results_ = screen_.look_up(client_.address);
  due_ = results_.due(settings.enabled, until(std::chrono::seconds(0)));
  if (due_.empty() && !is_refused()) {
    if (!settings.enabled.empty()) maillog::info("PASS OLD {}", name_);
    pass();
    return false;
  }
  const auto may_become_known = screen_.lists().interfaces.matches(server_.address.text());
  if (!may_become_known) maillog::warning("{}", may_become_known.error().message());
  if (!may_become_known.value_or(false)) {
    maillog::info("{} {}", said(is_respectful, "ALLOWLIST VETO"), name_);
    refuse({450, "4.3.2 Service currently unavailable"});
  }
  return true;
}

void Session::wait_for_greeting() {
  const Params& params = screen_.settings().params;
  event::Loop& loop = event::Loop::current();
  if (due_.has(Test::pregreet)) send_now(connection_.get(), fmt::format("220-{}\r\n", params.postscreen_greet_banner));
  if (due_.has(Test::dnsbl)) {
    inquiry_ = screen_.dnsbl().ask(client_.address);
    if (!inquiry_->score.is_complete()) inquiry_->on_complete[number_] = [this] { on_lists_complete(); };
  }
  readable_ = loop.watch_readable(connection_.get(), [this] { on_readable(); });
  timer_ = loop.timer(params.postscreen_greet_wait, [this] { go_on(); });
}

// The lists have nothing more to say. They may vouch for the client; and where he need not wait for the greeting, this was all.
void Session::on_lists_complete() {
  const int threshold = screen_.settings().params.postscreen_dnsbl_allowlist_threshold;
  const bool vouches = threshold < 0 && inquiry_->score.rank <= threshold;
  if (vouches || talked_too_soon_and_is_refused() || !due_.has(Test::pregreet)) go_on();
}

bool Session::talked_too_soon_and_is_refused() const {
  return talked_too_soon_ && screen_.settings().action(Test::pregreet) == Action::enforce;
}

// Before the greeting a client has nothing to say. What he says all the same stays where it is.
void Session::on_readable() {
  std::array<char, looked_at> bytes{};
  const ssize_t size = ::recv(connection_.get(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    maillog::info("HANGUP after {} from {} in tests before SMTP handshake", since(connected_), name_);
    return end();
  }
  readable_.reset();
  if (!due_.has(Test::pregreet)) return;
  const std::string text = base::escape_c(std::string_view(bytes.data(), static_cast<std::size_t>(size)));
  maillog::info("PREGREET {} after {} from {}: {}", size, since(connected_), name_, text.substr(0, shown));
  talked_too_soon_ = true;
  switch (screen_.settings().action(Test::pregreet)) {
    case Action::drop: return cut_off(protocol_error(521));
    case Action::enforce:
      refuse(protocol_error(550));
      if (!inquiry_ || inquiry_->score.is_complete()) go_on();
      return;
    case Action::ignore: break;
  }
}

void Session::stop_waiting() {
  readable_.reset();
  timer_.reset();
  if (inquiry_) inquiry_->on_complete.erase(number_);
}

// The waiting is over. Called from the loop: what comes parks.
void Session::go_on() {
  stop_waiting();
  auto fiber = event::Loop::current().spawn("postscreen", [this] {
    // A fiber that is cancelled leaves no session behind.
    struct Place {
      Screen& screen;
      unsigned long number;
      ~Place() { screen.abandon(number); }
    } const place{screen_, number_};
    if (due_.has(Test::pregreet) && !talked_too_soon_) {
      passed_.add(Test::pregreet);
      results_.set(Test::pregreet, until(screen_.settings().lifetime(Test::pregreet)));
    }
    if (due_.has(Test::dnsbl) && !judge_by_lists()) return;
    if (is_refused() || (due_.has_after_greeting() && !may_skip_)) {
      if (server::is_draining()) return cut_off(no_time());
      talk();
      return end();
    }
    const bool has_passed_all = passed_ == due_;
    store(has_passed_all);
    pass();
  });
  if (fiber) {
    fiber_ = std::move(*fiber);
    return;
  }
  maillog::warning("cannot go on with {}: {}", name_, fiber.error().message());
  cut_off({421, "4.3.2 All screening ports are busy"});
}

bool Session::judge_by_lists() {
  const Settings& settings = screen_.settings();
  const DnsblScore& score = inquiry_->score;
  const auto lifetime = std::clamp(score.ttl.value_or(std::chrono::seconds(0)), settings.params.postscreen_dnsbl_min_ttl,
                                   std::max(settings.params.postscreen_dnsbl_min_ttl, settings.params.postscreen_dnsbl_max_ttl));
  if (score.rank < settings.params.postscreen_dnsbl_threshold) {
    const int threshold = settings.params.postscreen_dnsbl_allowlist_threshold;
    may_skip_ = threshold < 0 && score.rank <= threshold && !is_refused();
    // Who is vouched for has passed all that he would have had to pass.
    for (const Test test : all_tests) {
      if (test != Test::dnsbl && !(may_skip_ && due_.has(test))) continue;
      passed_.add(test);
      results_.set(test, until(lifetime));
    }
    return true;
  }
  maillog::info("DNSBL rank {} for {}", score.rank, name_);
  if (settings.action(Test::dnsbl) == Action::ignore) return true;
  std::string shown_name = score.domain;
  const auto other = screen_.lists().reply_names.lookup(score.domain);
  if (!other) maillog::warning("postscreen_dnsbl_reply_map: {}", other.error().message());
  else if (*other) shown_name = **other;
  const std::string why = fmt::format("5.7.1 Service unavailable; client [{}] blocked using {}", client_.address.text(), shown_name);
  if (settings.action(Test::dnsbl) == Action::drop) {
    cut_off({521, why});
    return false;
  }
  refuse({550, why});
  return true;
}

// The process is to end.
smtp::Reply Session::no_time() const {
  return {421, screen_.settings().params.myhostname + " Service unavailable - try again later"};
}

smtp::Reply Session::refusal() const {
  const smtp::Reply said = refusal_.value_or(smtp::Reply(450, "4.3.2 Service currently unavailable"));
  return screen_.settings().params.soft_bounce ? said.softened() : said;
}

// With postscreen's own SMTP, which lets nobody through: who passes may come again.
void Session::talk() {
  const Deadline began = screen_.clock().now();
  // When the process has to end in the middle, he may come again.
  struct Goodbye {
    const Session& session;
    Engine& engine;
    ~Goodbye() {
      if (std::uncaught_exceptions() > 0) engine.break_off(session.no_time());
    }
  };
  Engine engine(*this, std::move(connection_));
  const Goodbye goodbye{*this, engine};
  const Engine::End how = engine.run(talked_too_soon_and_is_refused() ? Engine::Greeting::was_sent : Engine::Greeting::to_send);
  if (how == Engine::End::hangup) {
    maillog::info("HANGUP after {} from {} in tests after SMTP handshake", since(began), name_);
  }
  if (!is_refused()) {
    for (const Test test : all_tests) {
      if (!engine.has_named_recipient() || !due_.has(test) || !is_after_greeting(test)) continue;
      passed_.add(test);
      results_.set(test, until(engine.has_failed(test) ? lifetime_of_ignored : screen_.settings().lifetime(test)));
    }
    store(passed_ == due_);
  }
  engine.close();
}

// Who was refused leaves no trace, so that he is tested again.
void Session::store(bool has_passed_all) {
  const TestSet enabled = screen_.settings().enabled;
  if (has_passed_all) maillog::info("PASS {} {}", screen_.look_up(client_.address).is_old(enabled) ? "OLD" : "NEW", name_);
  for (const Test test : all_tests) {
    if (!enabled.has(test) && results_.until(test) == Results::never) results_.set(test, Results::off);
  }
  screen_.store(client_.address, results_);
}

void Session::pass() {
  if (screen_.has_no_server()) return refuse_for_want_of_servers();
  Screen& screen = screen_;
  const Fd connection = std::move(connection_);
  const io::Endpoint client = client_, server = server_;
  screen.forget(number_);
  // From here on this object is gone.
  if (screen.pass_on(connection, client, server)) return;
  send_now(connection.get(), screen.wire({421, "4.3.2 All server ports are busy"}, client));
}

void Session::cut_off(const smtp::Reply& reply) {
  send_now(connection_.get(), screen_.wire(reply, client_));
  end();
}

void Session::end() {
  maillog::info("DISCONNECT {}", name_);
  screen_.forget(number_);
}

std::string Session::since(Deadline when) const {
  return maillog::delay_text(std::chrono::duration_cast<std::chrono::microseconds>(screen_.clock().now() - when),
                             static_cast<int>(screen_.settings().params.delay_logging_resolution_limit));
}

std::int64_t Session::until(std::chrono::seconds lifetime) const {
  return std::chrono::duration_cast<std::chrono::seconds>(screen_.clock().stamp().time_since_epoch()).count() + lifetime.count();
}

}  // namespace postscreen
