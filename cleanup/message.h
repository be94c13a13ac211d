#pragma once
// One message on its way into the queue: records of the client in, records of the queue file out. No input or output of
// its own: what must be asked is asked through Addresses, what is written goes to Output, and what is left to do for
// others (notices) is a list.
//
// The client is not trusted: a record that is unknown, out of place or malformed makes the message bad, and nothing is
// taken from it any more. Any other refusal (size, hops, tables that cannot be read) lets the client finish, so that it
// hears the reason.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cleanup/addresses.h"
#include "cleanup/canonical.h"
#include "cleanup/content.h"
#include "cleanup/envelope.h"
#include "cleanup/output.h"
#include "cleanup/policy.h"
#include "cleanup/recipients.h"
#include "lib/base/deadline.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/mail/dsn_parameters.h"

namespace cleanup {

class Message {
 public:
  struct Identity {
    std::string queue_id;
    Stamp created{};
    ipc::CleanupFlags flags = ipc::CleanupFlags::none;
  };
  Message(Addresses& addresses, const Policy& policy, Output& output, Identity identity);

  // Takes the next record. The E record is not written: that is the file's commit.
  void take(queue::RecordType type, std::string_view data);

  // No more records: the end has come, or the message is bad.
  [[nodiscard]] bool is_finished() const { return segment_ == Segment::done; }
  [[nodiscard]] ipc::CleanupStatus status() const { return status_; }
  // Text for the reply to the message's sender, when there is one: "5.7.1 text".
  [[nodiscard]] const std::string& reason() const { return reason_; }

  // The numbers of the size record that the file cannot count itself.
  [[nodiscard]] int queue_flags() const;
  [[nodiscard]] int send_options() const;

  // For milters, when the message is finished: its records are with them then, and what they say of it is the last word.
  [[nodiscard]] const std::string& queue_id() const { return identity_.queue_id; }
  // For the log of checks and milters. `prefix` stands before the names of actions.
  [[nodiscard]] CheckedMessage checked(std::string prefix) const;
  // What the client said of itself: "client_name", "sasl_username" ... Empty when it said nothing.
  [[nodiscard]] std::string_view fact(std::string_view name) const;
  [[nodiscard]] const std::string& sender() const { return sender_; }
  // Complete, before aliases.
  [[nodiscard]] const std::string& last_recipient() const { return recipient_; }
  // What is to be written of a new sender, that has been rewritten as the client's was. RET and ENVID: empty, unless they change.
  struct NewSender {
    std::string address, ret, envelope_id;
  };
  // In internal form. `arguments` are ESMTP's.
  [[nodiscard]] Result<NewSender> change_sender(std::string internal, std::string_view arguments);
  // Writes the records of one more recipient.
  [[nodiscard]] Result<void> add_recipient(const std::string& internal, std::string_view arguments);
  void refuse(ipc::CleanupStatus status, std::string reason, std::string reply);
  void fail_write(const base::Error& error);
  void discard() { flags_ = flags_ | ipc::MessageFlags::discard; }
  void hold() { flags_ = flags_ | ipc::MessageFlags::hold; }
  // What rules about a milter's header fields have decided.
  void take_milter_checks(const Checks& checks);
  // The whole reply to the message's sender, when a milter gave one.
  [[nodiscard]] const std::string& reply() const { return reply_; }

  // For the notices that cleanup sends itself.
  [[nodiscard]] const std::string& encoding() const { return encoding_; }
  [[nodiscard]] const std::string& envelope_id() const { return envelope_id_; }
  // What was refused for its content is not sent around once more: its sender gets the header only.
  [[nodiscard]] int dsn_ret() const { return status_ == ipc::CleanupStatus::content ? mail::ret::headers : dsn_ret_; }
  // What checks, milters or the client want: the client is told that all is well, and there is no message; or it waits in hold/.
  [[nodiscard]] bool is_discarded() const { return ipc::has(flags_, ipc::MessageFlags::discard) || (content_ && content_->checks().is_discarded()); }
  [[nodiscard]] bool is_held() const { return ipc::has(flags_, ipc::MessageFlags::hold) || (content_ && content_->checks().is_held()); }
  [[nodiscard]] Stamp arrived() const { return arrived_.value_or(identity_.created); }
  [[nodiscard]] std::vector<Expanded> take_expanded() { return recipients_.take_expanded(); }

 private:
  void take_time(std::string_view data);
  void take_sender(std::string_view data);
  void take_recipient(std::string_view data);
  [[nodiscard]] Result<std::string> canonical(AddressPlace place, std::string internal) const;
  void add_copy(const std::string& address);
  void copy_as_told_by(AddressTable table, const std::string& address);
  void take_attribute(std::string_view data);
  void take_notify(std::string_view value, std::string_view record);
  void take_flags(std::string_view data);
  void take_ret(std::string_view value, std::string_view record);
  void copy(queue::RecordType type, std::string_view data);
  void before_recipients();
  void start_content();
  void end_content();
  void take_verdict(const Checks& checks);
  void end();
  void deferred_by(const base::Error& error, std::string_view reason);
  void unwritten_for(const base::Error& error);
  [[nodiscard]] bool maps_addresses() const;
  [[nodiscard]] bool makes_copies() const;
  [[nodiscard]] bool is_listening() const;
  // The client keeps the message and comes again with it: no more work for it now.
  [[nodiscard]] bool comes_again() const;

  void fail(ipc::CleanupStatus status, std::string reason = {});
  template <class... Args>
  void reject(fmt::format_string<Args...> format, Args&&... args);

  Addresses& addresses_;
  const Policy& policy_;
  Output& output_;
  Identity identity_;
  Canonical canonical_;
  Recipients recipients_;
  std::unique_ptr<Content> content_;

  Segment segment_ = Segment::envelope;
  ipc::CleanupStatus status_ = ipc::CleanupStatus::ok;
  std::string reason_;

  std::optional<Stamp> arrived_;
  bool has_sender_ = false;
  bool has_warn_time_ = false;
  bool has_preamble_ = false;   // of this segment's recipients has been written
  bool has_recipients_ = false; // in this segment
  bool is_mixed_ = false;       // other records follow recipients
  std::string sender_, full_name_, encoding_, envelope_id_;
  std::string origin_ = "local", recipient_, protocol_, helo_;  // for the log of checks
  int dsn_ret_ = 0;
  ipc::MessageFlags flags_ = ipc::MessageFlags::none;   // what client and milters have decided
  Context context_ = Context::local;
  std::size_t attributes_ = 0;
  GivenRecipient next_;         // what has come of the next recipient
  std::vector<std::pair<std::string, std::string>> facts_;
  std::string reply_;
  bool is_utf8_envelope_ = false;
};

}  // namespace cleanup
