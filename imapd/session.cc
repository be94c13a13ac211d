#include "imapd/session.h"

#include <cerrno>

#include <fmt/format.h>

#include "imapd/capabilities.h"
#include "imapd/commands.h"
#include "imapd/progress.h"
#include "imapd/waiting.h"
#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/io/deflate_layer.h"
#include "lib/log/log.h"
#include "lib/store/location.h"

namespace imapd {
namespace {

constexpr int bad_commands_limit = 20;   // one after the other

}  // namespace

Deadline Session::deadline() const { return base::after(site_.params.imapd_timeout); }

void Session::run() {
  if (auto done = open(); !done) {
    maillog::warning("{}: mailbox of {}: {}", session_.client, session_.user.name, ascii::printable(done.error().message()));
    std::string text;
    imap::append_status(text, session_.tag, imap::Status::no, "UNAVAILABLE", "Internal error occurred. Refer to server log for more information.");
    write(text);
    bye("Internal error occurred.");
  } else {
    greet();
    while (!is_lost_ && !is_over_ && await_command() && serve_command()) {
    }
  }
  static_cast<void>(session_.stream.flush(deadline()));
}

Result<void> Session::open() {
  const store::Location location = TRY(store::Location::parse(session_.user.mail, {session_.user.name, session_.user.home}));
  const std::string& wanted = site_.params.imapd_namespace_separator;
  const char own = location.separator();
  std::optional<store::QuotaLimit> quota;
  if (!session_.user.quota.empty()) quota = TRY(store::QuotaLimit::parse(session_.user.quota));
  names_.emplace(site_.params.imapd_namespace_prefix, wanted.empty() ? own : wanted.front(), own);
  account_ = TRY(store::Account::open(location, {.host = site_.params.myhostname,
                                                 .special_folders = site_.special_folders,
                                                 .quota = quota,
                                                 .yield = [] { event::yield(); },
                                                 .progress = [this](std::size_t done) {
                                                   if (progress_ != nullptr) progress_->went(done);
                                                 }}));
  if (auto made = account_->make_special_folders(); !made) {
    maillog::warning("{}: mail_special_folders: {}", session_.user.name, ascii::printable(made.error().message()));
  }
  return {};
}

void Session::greet() {
  std::string text;
  imap::append_status(text, session_.tag, imap::Status::ok, fmt::format("CAPABILITY {}", capabilities_after_login), "Logged in");
  write(text);
}

// Who asked for notifications hears of them while he says nothing.
bool Session::await_command() {
  if (!notifier_) return true;
  switch (wait_for_client(*this, Occasion::waiting)) {
    case Waited::input: return true;
    case Waited::lost: return false;
    case Waited::too_long: bye("Disconnected for inactivity."); return false;
    case Waited::gone:
      if (const auto looked = view_->refresh(); !looked) lose_mailbox(looked.error());
      return !is_over_;
  }
  return false;
}

Result<View::Told> Session::tell_news(View::Telling what, Occasion occasion) {
  TRY(view_->refresh());
  if (notifier_) what = notifier_->allowed(what, occasion);
  std::string text;
  const View::Told told = view_->tell(text, what, features_);
  write(text);
  if (notifier_) notifier_->fetch_new(told.first_new);
  return told;
}

bool Session::serve_command() {
  imap::ReadEnd end = reader_.begin(command_, deadline());
  const Row* const row = end == imap::ReadEnd::ok ? find_command(command_.name) : nullptr;
  if (end == imap::ReadEnd::ok && row == nullptr) {
    end = reader_.skip(deadline());
    if (end != imap::ReadEnd::ok) return answer_fault(end);
    std::string text;
    imap::append_syntax_error(text, command_.tag, command_.name, command_.name.empty() ? "Missing command." : "Unknown command.");
    write(text);
    if (++bad_commands_ < bad_commands_limit) return true;
    bye("Too many invalid IMAP commands.");
    return false;
  }
  if (end == imap::ReadEnd::ok && !row->reads_arguments) end = reader_.finish(command_, deadline());
  if (end != imap::ReadEnd::ok) return answer_fault(end);
  const Reply reply = dispatch(*row);
  finish(row, reply);
  if (compression_ == Compression::asked) start_compression();
  return true;
}

bool Session::answer_fault(imap::ReadEnd end) {
  switch (end) {
    case imap::ReadEnd::ok:
    case imap::ReadEnd::eof:
    case imap::ReadEnd::error: return false;
    case imap::ReadEnd::timeout: bye("Disconnected for inactivity."); return false;
    case imap::ReadEnd::fault: break;
  }
  std::string text;
  imap::append_syntax_error(text, command_.tag, command_.name, reader_.fault().text);
  write(text);
  if (!reader_.fault().is_final && ++bad_commands_ < bad_commands_limit) return true;
  bye(reader_.fault().is_final ? "Too long or malformed command." : "Too many invalid IMAP commands.");
  return false;
}

Reply Session::dispatch(const Row& row) {
  if (row.state == State::selected && view_ == nullptr) {
    if (row.reads_arguments && reader_.skip(deadline()) != imap::ReadEnd::ok) end();
    return bad("No mailbox selected.");
  }
  return row.handler(*this, command_.arguments.values());
}

void Session::finish(const Row* row, const Reply& reply) {
  bad_commands_ = reply.status == imap::Status::bad ? bad_commands_ + 1 : 0;
  std::string code = reply.code;
  if (view_ && row->tells != Tells::nothing) {
    const auto told = tell_news({.vanished = row->tells == Tells::all, .uids = numbering() == imap::Numbering::uid}, row->changes ? Occasion::changing : Occasion::asked);
    if (!told) return lose_mailbox(told.error());
    // RFC 7162 section 3.2.5.1: from where on a client synchronizes next.
    if (told->vanished && features_.qresync && code.empty() && reply.status == imap::Status::ok) {
      code = fmt::format("HIGHESTMODSEQ {}", view_->mailbox().highest_modseq());
    }
  }
  std::string text;
  imap::append_status(text, command_.tag, reply.status, code, reply.text);
  write(text);
  if (bad_commands_ >= bad_commands_limit) {
    bye("Too many invalid IMAP commands.");
    is_over_ = true;
  }
}

void Session::lose_mailbox(const base::Error& error) {
  const bool is_gone = error.code() == ENOENT;
  if (!is_gone) maillog::warning("{}: {}: {}", session_.user.name, ascii::printable(view_->name()), ascii::printable(error.message()));
  bye(is_gone ? "Selected mailbox was deleted, have to disconnect." : "The mailbox has changed under this session. Connect again.");
  is_over_ = true;
}

// A client that did not wait for the answer has compressed what has come already.
void Session::start_compression() {
  io::Stream& stream = session_.stream;
  std::string input(stream.buffered());
  stream.discard_input();
  is_lost_ = stream.start_layer(std::make_unique<io::DeflateLayer>(stream.fd(), std::move(input)), deadline()) != io::End::ok || is_lost_;
  compression_ = Compression::on;
}

void Session::bye(std::string_view text) {
  std::string out;
  imap::append_status(out, "*", imap::Status::bye, {}, text);
  write(out);
}

std::string Session::wire_name(std::string_view store_name) const {
  std::string out;
  imap::append_astring(out, imap::encode_mailbox_name(names_->from_store(store_name), coding()));
  return out;
}

Reply Session::failed(const base::Error& error, std::string_view written_name) {
  switch (error.code()) {
    case ENOENT:
    case ENOTEMPTY: return no(no_mailbox(written_name), "NONEXISTENT");   // a level without a mailbox
    case EEXIST: return no("Mailbox already exists", "ALREADYEXISTS");
    case EINVAL:
    case ENAMETOOLONG: return no(error.message(), "CANNOT");
    case ENOTDIR: return no("Mailbox doesn't allow inferior mailboxes", "CANNOT");
    case EPERM: return no("This mailbox cannot be changed so", "CANNOT");
    case EACCES:
    case EROFS: return no("Permission denied", "NOPERM");
    case EDQUOT: return no("Quota exceeded (mailbox for user is full)", "OVERQUOTA");
    case ENOSPC: return no("Not enough disk space, or too many keywords", "LIMIT");
    case EAGAIN: return no("The mailbox is in use", "INUSE");
    default: break;
  }
  maillog::warning("{}: {}: {}", session_.user.name, command_.name, ascii::printable(error.message()));
  return no("Internal error occurred. Refer to server log for more information.", "SERVERBUG");
}

}  // namespace imapd
