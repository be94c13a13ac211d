#pragma once
// The authenticated and selected states of an IMAP session (RFC 9051 section 3), in a process that is the mailbox's owner.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "imapd/features.h"
#include "imapd/names.h"
#include "imapd/notifier.h"
#include "imapd/reply.h"
#include "imapd/site.h"
#include "imapd/view.h"
#include "lib/imap/command_reader.h"
#include "lib/owner/session.h"
#include "lib/store/account.h"

namespace imapd {

class Progress;
struct Row;

class Session {
 public:
  Session(owner::Session& session, const Site& site)
      : session_(session), site_(site), reader_(session.stream, imap::limits_after_login) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void run();

  // For commands.
  [[nodiscard]] store::Account& account() { return *account_; }
  [[nodiscard]] const Names& names() const { return *names_; }
  [[nodiscard]] imap::NameCoding coding() const { return features_.utf8 || features_.rev2 ? imap::NameCoding::utf8 : imap::NameCoding::utf7; }
  [[nodiscard]] Features& features() { return features_; }
  [[nodiscard]] const Site& site() const { return site_; }
  [[nodiscard]] const owner::User& user() const { return session_.user; }
  // The selected mailbox; null: none is.
  [[nodiscard]] View* view() { return view_.get(); }
  void select(std::unique_ptr<View> view) { view_ = std::move(view); }
  void unselect() { view_.reset(); }
  // Null until the client uses NOTIFY.
  [[nodiscard]] Notifier* notifier() { return notifier_.get(); }
  void set_notifier(std::unique_ptr<Notifier> notifier) { notifier_ = std::move(notifier); }
  // What is new in the selected mailbox, as far as the client wants to hear of it. The error: it can be looked at no more.
  [[nodiscard]] Result<View::Told> tell_news(View::Telling what, Occasion occasion);

  // The store's name of what a client has written; none: there can be no such mailbox.
  [[nodiscard]] std::optional<std::string> store_name(std::string_view written) const { return names_->to_store(written, coding()); }
  // As a response has it: coded, and an astring.
  [[nodiscard]] std::string wire_name(std::string_view store_name) const;
  // For NO, with its response code; what an administrator should know is logged.
  [[nodiscard]] Reply failed(const base::Error& error, std::string_view written_name = {});

  // The command that is being served.
  [[nodiscard]] const imap::Command& command() const { return command_; }
  [[nodiscard]] imap::CommandReader& reader() { return reader_; }
  [[nodiscard]] io::Stream& stream() { return session_.stream; }
  // To the client: buffered, and goes out by itself when it is much.
  void write(std::string_view text) { is_lost_ = !session_.stream.write(text, deadline()) || is_lost_; }
  void flush() { is_lost_ = session_.stream.flush(deadline()) != io::End::ok || is_lost_; }
  [[nodiscard]] bool is_lost() const { return is_lost_; }
  [[nodiscard]] Deadline deadline() const;
  // Whether the command means UIDs.
  [[nodiscard]] imap::Numbering numbering() const { return command_.name.starts_with("UID ") ? imap::Numbering::uid : imap::Numbering::message; }
  // Behind this command's end everything is compressed (RFC 4978).
  enum class Compression { off, asked, on };
  [[nodiscard]] Compression& compression() { return compression_; }
  // Null: of the command that is being served nobody says how far it is.
  [[nodiscard]] Progress*& progress() { return progress_; }
  // After this command the session ends.
  void end() { is_over_ = true; }

 private:
  [[nodiscard]] Result<void> open();
  void greet();
  // False: the session is over.
  [[nodiscard]] bool await_command();
  [[nodiscard]] bool serve_command();
  [[nodiscard]] bool answer_fault(imap::ReadEnd end);
  [[nodiscard]] Reply dispatch(const Row& row);
  // The untagged news, then the command's end.
  void finish(const Row* row, const Reply& reply);
  // The selected mailbox is gone, or can be looked at no more: the session ends.
  void lose_mailbox(const base::Error& error);
  void bye(std::string_view text);
  void start_compression();

  owner::Session& session_;
  const Site& site_;
  imap::CommandReader reader_;
  imap::Command command_;
  std::optional<Names> names_;
  Features features_;
  std::unique_ptr<store::Account> account_;   // outlives the view
  std::unique_ptr<View> view_;
  std::unique_ptr<Notifier> notifier_;
  Progress* progress_ = nullptr;
  Compression compression_ = Compression::off;
  int bad_commands_ = 0;
  bool is_lost_ = false, is_over_ = false;
};

}  // namespace imapd
