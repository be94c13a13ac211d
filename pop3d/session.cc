#include "pop3d/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/log/log.h"
#include "lib/owner/service.h"
#include "lib/store/location.h"
#include "lib/store/names.h"
#include "pop3d/capabilities.h"
#include "pop3d/dotted.h"
#include "pop3d/login_delay.h"

namespace pop3d {
namespace {

constexpr std::size_t line_limit = 512;     // of a command (RFC 2449 section 4: 255)
constexpr int bad_commands_limit = 20;

std::string text_of(const base::Error& error) { return ascii::printable(error.message()); }

}  // namespace

struct Session::Row {
  std::string_view verb;
  Next (Session::*handler)(std::string_view arguments);
};

Result<std::unique_ptr<server::Service>> make_owner(server::Startup& startup) {
  const Params params = TRY(Params::load(startup.main));
  auto format = store::UidlFormat::parse(params.pop3d_uidl_format);
  if (!format) return base::Failure(std::move(format).error().within("pop3d_uidl_format"));
  const owner::Settings settings{.service = "pop3",
                                 .auth_service = params.auth_service_name,
                                 .mail_location = owner::location_of(params.mail_location, params.home_mailbox, params.mail_spool_directory),
                                 .user_sessions_limit = params.pop3d_user_connection_count_limit,
                                 .limit_parameter = "pop3d_user_connection_count_limit"};
  auto serve = [params, format = std::move(*format)](owner::Session& session) { Session(session, params, format).run(); };
  return TRY(owner::Service::make(startup, settings, std::move(serve)));
}

Deadline Session::deadline() const { return base::after(params_.pop3d_timeout); }

void Session::run() {
  if (auto done = open(); !done) {
    maillog::warning("{}: mailbox of {}: {}", session_.client, session_.user.name, text_of(done.error()));
    return end_with("-ERR [SYS/TEMP] Internal error occurred. Refer to server log for more information.");
  }
  if (!mailbox_) {
    maillog::info("{}: {} logs in again within pop3d_login_delay", session_.client, session_.user.name);
    return end_with("-ERR [LOGIN-DELAY] Minimum time between logins has not passed.");
  }
  std::string_view end = "Connection closed";
  bool goes_on = reply("+OK Logged in.") == Next::command;
  int bad_lines = 0;
  while (goes_on) {
    const io::LineResult line = session_.stream.read_line(deadline(), line_limit);
    if (line.end() == io::End::too_long && ++bad_lines < bad_commands_limit) {
      goes_on = reply("-ERR Input line too long.") == Next::command;
      continue;
    }
    if (line.end() == io::End::timeout) {
      end = "Disconnected for inactivity";
      static_cast<void>(reply("-ERR Disconnected for inactivity."));
    }
    if (!line) break;
    goes_on = dispatch(std::string(line.text())) == Next::command;
    if (!goes_on && !is_lost_) end = "Logged out";
  }
  mark_seen();
  static_cast<void>(session_.stream.flush(deadline()));
  maillog::info("{}: sasl_username={}, top={}, retr={}/{}, del={}/{} ({})", session_.client, session_.user.name, topped_, retrieved_,
                retrieved_size_, deleted_, items_.size(), end);
}

void Session::end_with(std::string_view text) {
  static_cast<void>(reply(text));
  static_cast<void>(session_.stream.flush(deadline()));
}

Result<void> Session::open() {
  const store::Location location = TRY(store::Location::parse(session_.user.mail, {session_.user.name, session_.user.home}));
  if (params_.pop3d_login_delay > std::chrono::seconds(0) && !TRY(may_log_in(location, params_.pop3d_login_delay))) return {};
  account_ = TRY(store::Account::open(location,
                                      {.host = params_.myhostname, .special_folders = {}, .quota = {}, .yield = [] { event::yield(); }}));
  mailbox_ = TRY(account_->open(store::inbox_name, store::Access::read_write));
  for (const store::Entry& entry : mailbox_->entries()) items_.push_back({.uid = entry.uid, .size = {}});
  // Messages that another server showed in an order of its own come first, in that order.
  std::ranges::stable_sort(items_, {}, [&](const Item& item) {
    const std::uint32_t order = mailbox_->pop3_order(item.uid);
    return order == 0 ? std::uint64_t{1} << 32 : std::uint64_t{order};
  });
  return {};
}

Session::Next Session::dispatch(std::string_view line) {
  static constexpr std::array<Row, 11> rows{{{"CAPA", &Session::capa},
                                             {"DELE", &Session::dele},
                                             {"LANG", &Session::lang},
                                             {"LIST", &Session::list},
                                             {"NOOP", &Session::noop},
                                             {"QUIT", &Session::quit},
                                             {"RETR", &Session::retr},
                                             {"RSET", &Session::rset},
                                             {"STAT", &Session::stat},
                                             {"TOP", &Session::top},
                                             {"UIDL", &Session::uidl}}};
  const auto space = line.find(' ');
  const std::string verb = ascii::uppercase(line.substr(0, space));
  const std::string_view arguments = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  const auto* const row = std::ranges::find(rows, verb, &Row::verb);
  if (row == rows.end()) return reply(fmt::format("-ERR Unknown command: {}", ascii::printable(verb)));
  return (this->*row->handler)(arguments);
}

Session::Next Session::reply(std::string_view text) {
  write(text);
  write("\r\n");
  return is_lost_ ? Next::end : Next::command;
}

void Session::write(std::string_view text) { is_lost_ = is_lost_ || !session_.stream.write(text, deadline()); }

Session::Item* Session::find(std::string_view number, std::string& why) {
  const auto parsed = ascii::parse_number(number, UINT32_MAX);
  if (!parsed || *parsed == 0) {
    why = parsed ? "-ERR There's no message 0." : fmt::format("-ERR Invalid message number: {}", ascii::printable(number));
    return nullptr;
  }
  if (*parsed > items_.size()) {
    why = fmt::format("-ERR There's no message {}.", *parsed);
    return nullptr;
  }
  Item& item = items_[static_cast<std::size_t>(*parsed) - 1];
  if (item.is_deleted) {
    why = "-ERR Message is deleted.";
    return nullptr;
  }
  return &item;
}

// Of a message that others have removed, nothing.
std::uint64_t Session::size_of(Item& item) {
  if (!item.size) {
    const auto facts = mailbox_->facts(item.uid);
    item.size = facts ? facts->size : 0;
  }
  return *item.size;
}

std::string Session::uidl_of(const Item& item) {
  std::string kept = mailbox_->pop3_uidl(item.uid);
  if (!kept.empty()) return kept;
  const std::string file = format_.needs_file() ? mailbox_->base_name(item.uid) : std::string();
  return format_.apply({item.uid, mailbox_->uid_validity(), file});
}

Session::Next Session::capa(std::string_view) { return reply("+OK\r\nCAPA\r\n" + common_capabilities(params_.pop3d_login_delay) + "."); }

Session::Next Session::dele(std::string_view arguments) {
  std::string why;
  Item* const item = find(arguments, why);
  if (item == nullptr) return reply(why);
  item->is_deleted = true;
  return reply("+OK Marked to be deleted.");
}

Session::Next Session::lang(std::string_view arguments) { return reply(language_reply(arguments)); }

Session::Next Session::list(std::string_view arguments) {
  if (!arguments.empty()) {
    std::string why;
    Item* const item = find(arguments, why);
    return reply(item == nullptr ? why : fmt::format("+OK {} {}", arguments, size_of(*item)));
  }
  const auto count = std::ranges::count(items_, false, &Item::is_deleted);
  write(fmt::format("+OK {} messages:\r\n", count));
  for (std::size_t i = 0; i < items_.size() && !is_lost_; ++i) {
    if (!items_[i].is_deleted) write(fmt::format("{} {}\r\n", i + 1, size_of(items_[i])));
  }
  return reply(".");
}

Session::Next Session::noop(std::string_view) { return reply("+OK"); }

Session::Next Session::rset(std::string_view) {
  for (Item& item : items_) item.is_deleted = item.is_read = false;
  return reply("+OK");
}

Session::Next Session::stat(std::string_view) {
  std::uint64_t count = 0, size = 0;
  for (Item& item : items_) {
    if (item.is_deleted) continue;
    ++count;
    size += size_of(item);
  }
  return reply(fmt::format("+OK {} {}", count, size));
}

Session::Next Session::uidl(std::string_view arguments) {
  if (!arguments.empty()) {
    std::string why;
    const Item* const item = find(arguments, why);
    return reply(item == nullptr ? why : fmt::format("+OK {} {}", arguments, uidl_of(*item)));
  }
  write("+OK\r\n");
  for (std::size_t i = 0; i < items_.size() && !is_lost_; ++i) {
    if (!items_[i].is_deleted) write(fmt::format("{} {}\r\n", i + 1, uidl_of(items_[i])));
  }
  return reply(".");
}

Session::Next Session::retr(std::string_view arguments) {
  std::string why;
  Item* const item = find(arguments, why);
  if (item == nullptr) return reply(why);
  ++retrieved_;
  retrieved_size_ += size_of(*item);
  item->is_read = true;
  return send(*item, std::nullopt);
}

Session::Next Session::top(std::string_view arguments) {
  const auto space = arguments.find(' ');
  std::string why;
  if (!ascii::parse_number(arguments.substr(0, space), UINT32_MAX)) {
    return reply(fmt::format("-ERR Invalid message number: {}", ascii::printable(arguments)));
  }
  Item* const item = find(arguments.substr(0, space), why);
  if (item == nullptr) return reply(why);
  const auto lines = ascii::parse_number(space == std::string_view::npos ? std::string_view() : arguments.substr(space + 1), INT64_MAX);
  if (!lines) return reply(fmt::format("-ERR Noise after message number: {}", space == std::string_view::npos ? "" : ascii::printable(arguments.substr(space + 1))));
  ++topped_;
  return send(*item, static_cast<std::uint64_t>(*lines));
}

Session::Next Session::send(Item& item, std::optional<std::uint64_t> lines) {
  const auto message = mailbox_->open(item.uid);
  if (!message) {
    const bool is_gone = message.error().code() == ENOENT;
    if (!is_gone) maillog::warning("{}: {}", session_.user.name, text_of(message.error()));
    return reply(is_gone ? "-ERR Message not found." : "-ERR [SYS/TEMP] Message cannot be read.");
  }
  write(lines ? "+OK\r\n" : fmt::format("+OK {} octets\r\n", size_of(item)));
  Dotted text(lines ? top_of(message->text(), *lines) : message->text());
  for (std::string piece; !is_lost_ && text.next(piece);) {
    write(piece);
    event::breathe();
  }
  return reply(".");
}

Session::Next Session::quit(std::string_view) {
  const bool any = std::ranges::any_of(items_, &Item::is_deleted);
  if (auto done = update(); !done) {
    maillog::warning("{}: messages cannot be deleted: {}", session_.user.name, text_of(done.error()));
    static_cast<void>(reply("-ERR [SYS/TEMP] Couldn't delete messages."));
    return Next::end;
  }
  mark_seen();
  static_cast<void>(reply(any ? "+OK Logging out, messages deleted." : "+OK Logging out."));
  return Next::end;
}

Result<void> Session::update() {
  std::vector<store::Uid> uids;
  for (const Item& item : items_) {
    if (item.is_deleted) uids.push_back(item.uid);
  }
  if (uids.empty()) return {};
  std::ranges::sort(uids);
  deleted_ = static_cast<int>(TRY(mailbox_->expunge(uids)).size());
  return {};
}

void Session::mark_seen() {
  std::vector<store::Uid> uids;
  for (Item& item : items_) {
    if (std::exchange(item.is_read, false)) uids.push_back(item.uid);
  }
  if (uids.empty()) return;
  std::ranges::sort(uids);
  const auto done = mailbox_->store(uids, store::FlagChange::add, {.system = store::flag::seen, .keywords = 0});
  if (!done) maillog::warning("{}: messages cannot be marked as seen: {}", session_.user.name, text_of(done.error()));
}

}  // namespace pop3d
