#include "smtpd/milters.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/session.h"

namespace smtpd {
namespace {

using milter::Verdict;

constexpr std::size_t code_size = 3;

// soft_bounce, line by line.
std::string softened(std::string reply) {
  for (std::size_t at = 0; at < reply.size();) {
    if (reply[at] == '5') reply[at] = '4';
    const std::size_t dsn = at + code_size + 1;
    if (dsn + 1 < reply.size() && reply[dsn] == '5' && reply[dsn + 1] == '.') reply[dsn] = '4';
    const std::size_t end = reply.find("\r\n", at);
    if (end == std::string::npos) break;
    at = end + 2;
  }
  return reply;
}

// What was said of a recipient, as milters hear it: its status, and the text without the address before it.
struct Rejection {
  std::string dsn, text;
};
Rejection parse_rejection(const Reply& reply) {
  const std::string whole = reply.text();
  std::string_view rest = std::string_view(whole).substr(code_size + 1);
  Rejection out;
  if (const auto dsn = mail::Dsn::parse_prefix(rest)) out.dsn = dsn->text();
  if (rest.starts_with('<')) {
    const std::size_t end = rest.find(">: ");
    if (end != std::string_view::npos) rest.remove_prefix(end + 3);
  }
  out.text = rest;
  return out;
}

std::unique_ptr<milter::Milters> refusing() {
  auto milters = std::make_unique<milter::Milters>();
  milters->row().emplace_back(Verdict{Verdict::Kind::refuse, std::string(milter::misconfigured_reply)});
  return milters;
}

}  // namespace

Reply reply_of_milter(std::string_view text) {
  const auto code = static_cast<int>(ascii::parse_number(text.substr(0, code_size), 599).value_or(451));
  std::string lines;
  for (;;) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    std::string words(line.substr(std::min(code_size + 1, line.size())));
    std::ranges::replace_if(words, ascii::is_control, '?');
    if (!lines.empty()) lines += '\n';
    lines += words;
    if (end == std::string_view::npos) return {code, std::move(lines)};
    text.remove_prefix(end + 2);
  }
}

Result<MilterSetup> MilterSetup::load(const Params& params) {
  MilterSetup setup;
  setup.options = TRY(milter::options_of(params));
  setup.filters = TRY(milter::parse_filters("smtpd_milters", params.smtpd_milters, setup.options, milter::Names::now));
  setup.macro_lists = TRY(milter::macro_lists_of(params));
  return setup;
}

SessionMilters::SessionMilters(Session& session) : session_(session) { choose(); }

void SessionMilters::choose() {
  milters_ = chosen();
  has_refused_helo_ = false;
}

std::unique_ptr<milter::Milters> SessionMilters::chosen() const {
  const Snapshot& snapshot = session_.snapshot();
  if (!snapshot.overrides.asks_milters || session_.server().is_stand_alone()) return nullptr;
  const MilterSetup& setup = snapshot.milters;
  const maps::Maps& by_address = session_.server().tables().milter_maps;
  const milter::Filters* filters = &setup.filters;
  milter::Filters own;
  if (!by_address.empty() && session_.client().is_ip) {
    const auto found = by_address.lookup(session_.client().address);
    if (!found) {
      maillog::warning("{}", found.error().message());
      return refusing();
    }
    if (*found) {
      if (ascii::equal_ignoring_case(**found, "DISABLE")) return nullptr;
      auto parsed = milter::parse_filters("smtpd_milter_maps", **found, setup.options);
      // Where the table is wrong, no mail is let through unseen.
      if (!parsed) {
        maillog::warning("{}", parsed.error().message());
        return refusing();
      }
      own = std::move(*parsed);
      filters = &own;
    }
  }
  if (filters->empty()) return nullptr;
  return std::make_unique<milter::Milters>(*filters, setup.macro_lists);
}

std::optional<Reply> SessionMilters::take(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::go_on: return std::nullopt;
    case Verdict::Kind::hold:
      session_.log_milter("hold", verdict.reply);
      session_.decide(ipc::MessageFlags::hold);
      return std::nullopt;
    case Verdict::Kind::discard:
      session_.log_milter("discard", "milter triggers DISCARD action");
      session_.decide(ipc::MessageFlags::discard);
      is_decided_ = true;
      return std::nullopt;
    case Verdict::Kind::refuse: break;
  }
  const std::string reply = session_.params().soft_bounce ? softened(verdict.reply) : verdict.reply;
  session_.log_milter("reject", ascii::printable(reply));
  return reply_of_milter(reply);
}

std::optional<Reply> SessionMilters::connect() {
  if (!milters_) return std::nullopt;
  const Client& client = session_.client();
  const int port = static_cast<int>(ascii::parse_number(client.port, 65535).value_or(0));
  return take(milters_->connect({.name = client.name, .address = client.address, .is_v6 = client.is_ip && client.ip.is_v6(), .port = port}, macros()));
}

std::optional<Reply> SessionMilters::helo(std::string_view name) {
  if (!milters_) return std::nullopt;
  auto reply = take(milters_->helo(name, macros()));
  has_refused_helo_ = reply && reply->code() >= 500;
  return reply && reply->closes() ? reply : std::nullopt;
}

namespace {

std::vector<std::string_view> words_of(std::string_view path, const std::vector<std::string_view>& parameters) {
  std::vector<std::string_view> words{path};
  words.insert(words.end(), parameters.begin(), parameters.end());
  return words;
}

}  // namespace

std::optional<Reply> SessionMilters::mail(std::string_view path, const std::vector<std::string_view>& parameters) {
  if (!milters_) return std::nullopt;
  sender_ = session_.transaction().sender();
  return take(milters_->mail(words_of(path, parameters), macros()));
}

std::optional<Reply> SessionMilters::rcpt(std::string_view recipient, std::string_view path, const std::vector<std::string_view>& parameters) {
  if (!milters_ || is_decided_) return std::nullopt;
  recipient_ = recipient;
  return take(milters_->rcpt(words_of(path, parameters), macros()));
}

void SessionMilters::rejected_rcpt(std::string_view path, const std::vector<std::string_view>& parameters, const Reply& reply) {
  if (!milters_ || is_decided_) return;
  rejection_ = reply;
  milters_->rejected_rcpt(words_of(path, parameters), macros());
  rejection_.reset();
}

std::optional<Reply> SessionMilters::data() {
  if (!milters_ || is_decided_) return std::nullopt;
  const std::string first(session_.transaction().first_recipient());
  recipient_ = first;
  session_.set_recipient(first);
  auto reply = take(milters_->data(macros()));
  session_.set_recipient({});
  return reply;
}

std::optional<Reply> SessionMilters::unknown(std::string_view line) {
  if (!milters_) return std::nullopt;
  const Verdict verdict = milters_->unknown(line, macros());
  if (!verdict.refuses() || !verdict.reply.starts_with('4') || verdict.reply == milter::shutdown_reply) return std::nullopt;
  return reply_of_milter(verdict.reply);
}

void SessionMilters::abort() {
  if (milters_) milters_->abort();
  is_decided_ = false;
  sender_.reset();
  recipient_.reset();
}

void SessionMilters::quit() {
  if (session_.has_helo()) abort();
  if (milters_) milters_->quit();
}

bool SessionMilters::have_a_say() {
  if (!milters_ || is_decided_) return false;
  return std::ranges::any_of(milters_->row(), [](const milter::Milter& one) { return one.listens() || one.has_standing(); });
}

std::optional<std::string> SessionMilters::macro(std::string_view name) {
  const Client& client = session_.client();
  const Params& params = session_.params();
  if (name == "i") {
    const Transaction* transaction = session_.find_transaction();
    if (transaction == nullptr || transaction->queue_id().empty()) return std::nullopt;
    return std::string(transaction->queue_id());
  }
  if (name == "j") return params.myhostname;
  if (name == "v") return params.milter_macro_v;
  if (name == "_") return fmt::format("{} [{}]", client.name, client.address);
  if (name == "daemon_name") return params.milter_macro_daemon_name;
  if (name == "daemon_addr") return session_.server_address();
  if (name == "daemon_port") return session_.server_port();
  if (name == "client_name") return client.name;
  if (name == "client_addr") return client.address;
  if (name == "client_port") return client.port;
  if (name == "client_ptr") return client.reverse_name;
  if (name == "client_connections") return std::to_string(session_.limits().connections());
  if (const tls::Facts* const tls = session_.tls()) {
    if (name == "tls_version") return tls->protocol;
    if (name == "cipher") return tls->cipher;
    if (name == "cipher_bits") return std::to_string(tls->cipher_bits);
    if (name == "tls_sni") return tls->server_name;
    if (name == "cert_subject" && !tls->fingerprint.empty()) return tls->subject_cn;
    if (name == "cert_issuer" && !tls->fingerprint.empty()) return tls->issuer_cn;
  }
  if (const Login* const login = session_.login()) {
    if (name == "auth_type") return login->method;
    if (name == "auth_authen") return login->username;
  }
  return address_macro(name);
}

std::optional<std::string> SessionMilters::address_macro(std::string_view name) {
  const std::size_t underscore = name.find('_');
  const std::string_view whose = name.substr(0, underscore);
  const std::string_view what = underscore == std::string_view::npos ? std::string_view() : name.substr(underscore + 1);
  if (whose == "rcpt" && rejection_) {
    const Rejection rejection = parse_rejection(*rejection_);
    if (what == "addr") return rejection.text;
    if (what == "host") return rejection.dsn;
    if (what == "mailer") return "error";
    return std::nullopt;
  }
  const std::optional<std::string>* address = whose == "mail" ? &sender_ : whose == "rcpt" ? &recipient_ : nullptr;
  if (address == nullptr || !*address || (what != "addr" && what != "host" && what != "mailer")) return std::nullopt;
  const auto answer = session_.server().addresses().resolve(whose == "rcpt" ? sender_.value_or("") : "", **address);
  if (!answer) {
    maillog::warning("{}", answer.error().message());
    return std::nullopt;
  }
  if (what == "addr") return mail::to_external((*address)->empty() ? std::string_view() : std::string_view(answer->address));
  return what == "host" ? answer->nexthop : answer->transport;
}

}  // namespace smtpd
