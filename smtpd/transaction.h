#pragma once
// One mail transaction: what MAIL and RCPT said, and the message on its way to cleanup(8) or a filter. It exists from MAIL until its
// end or reset; destroying it abandons the message, and nothing of it stays in the queue.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/milter/milters.h"
#include "smtpd/content.h"
#include "smtpd/forwarded.h"
#include "smtpd/intake.h"
#include "smtpd/parameters.h"
#include "smtpd/policy/message_actions.h"

namespace smtpd {

// What the envelope says about where the message came from; the same for every message of a session but for HELO.
struct Origin {
  std::string_view client_name, client_address, client_port, reverse_name, helo, protocol;
  LoggedClient logged;                // the same, or whom XFORWARD has named
  std::string_view ident;             // the message's id where it was before; empty: it has none but its own
  std::string_view server_address, server_port;
  std::string_view rewrite_context;   // "local" or "remote"
  std::string_view sasl_method, sasl_username;   // empty: nobody has logged in
  bool is_v6 = false;
  std::string_view content_filter;    // "transport:nexthop", or empty
};

class Transaction : public ContentSink {
 public:
  Transaction(std::string sender, MailParameters parameters, Stamp arrived)
      : sender_(std::move(sender)), parameters_(std::move(parameters)), arrived_(arrived) {}

  [[nodiscard]] const std::string& sender() const { return sender_; }
  [[nodiscard]] const MailParameters& parameters() const { return parameters_; }
  [[nodiscard]] Stamp arrived() const { return arrived_; }

  // MAIL as the client said it, for a filter that will hear the same.
  void keep_command(std::string_view line) { command_ = line; }
  [[nodiscard]] const std::string& command() const { return command_; }
  // RCPT and DATA; see Intake.
  [[nodiscard]] std::optional<Reply> pass_on(std::string_view command, Wanted wanted) { return message_->pass_on(command, wanted); }

  // Writes the envelope up to the recipients. Once.
  void open(std::unique_ptr<Intake> message, const Origin& origin, std::chrono::seconds timeout, std::size_t line_length_limit);
  [[nodiscard]] bool is_open() const { return message_ != nullptr; }
  // Empty when it has none.
  [[nodiscard]] std::string_view queue_id() const { return message_ ? std::string_view(message_->queue_id()) : std::string_view(); }

  void add_recipient(std::string_view recipient, const RcptParameters& parameters);
  [[nodiscard]] std::size_t recipients() const { return recipients_; }
  // Empty when there is none.
  [[nodiscard]] std::string_view first_recipient() const { return first_recipient_; }
  // Empty when there is none or more than one.
  [[nodiscard]] std::string_view only_recipient() const {
    return recipients_ == 1 ? std::string_view(first_recipient_) : std::string_view();
  }

  // As announced; of the content, once that has begun.
  [[nodiscard]] std::uint64_t size() const { return content_size_ > 0 ? content_size_ : parameters_.size; }
  // What access control wants done with it: told to cleanup with the content.
  [[nodiscard]] policy::MessageActions& actions() { return actions_; }

  // One more recipient beyond the limit; how many there were.
  [[nodiscard]] std::size_t count_overshoot() { return ++overshoot_; }

  // What becomes of the message, if it is taken.
  void decide(ipc::MessageFlags flags);
  // These are handed over with the message, and outlive it.
  void ask(milter::Milters& milters) { milters_ = &milters; }

  // Ends the envelope and puts the header in front of the content.
  void begin_content(std::string_view received_header);
  // A piece of content; dropped after refuse_content().
  void take(Piece piece) override;
  // The rest of the content is read but goes nowhere: it is too big, or not allowed.
  void refuse_content() { message_.reset(); }

  // Hands the message over. Only CleanupStatus::ok means that it is on disk.
  [[nodiscard]] Result<ipc::MessageClosed> finish();

  // BDAT's decoder lives from the first chunk to the last.
  [[nodiscard]] ChunkDecoder& chunks();

 private:
  [[nodiscard]] Deadline deadline() const { return base::after(timeout_); }
  void add_actions();

  std::string sender_, command_;
  MailParameters parameters_;
  Stamp arrived_;
  std::chrono::seconds timeout_{0};       // for each exchange with cleanup
  base::RollingDeadline content_deadline_{timeout_};
  std::size_t line_length_limit_ = 0;
  std::size_t recipients_ = 0, overshoot_ = 0;
  std::string first_recipient_;
  ipc::MessageFlags decided_ = ipc::MessageFlags::none;
  milter::Milters* milters_ = nullptr;
  std::uint64_t content_size_ = 0;
  policy::MessageActions actions_;
  std::unique_ptr<Intake> message_;
  std::unique_ptr<ChunkDecoder> chunks_;
};

}  // namespace smtpd
