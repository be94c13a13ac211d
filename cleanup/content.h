#pragma once
// The content of a message: header fields completed, rewritten or dropped, the body as it came.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/addresses.h"
#include "cleanup/canonical.h"
#include "cleanup/checks.h"
#include "cleanup/output.h"
#include "cleanup/policy.h"
#include "lib/base/deadline.h"
#include "lib/mail/body_walk.h"
#include "lib/mail/downgrade.h"
#include "lib/mail/header_block.h"
#include "lib/mail/mime_scan.h"

namespace cleanup {

// What the envelope tells the content.
struct ContentContext {
  std::string queue_id;
  Stamp arrived{};              // Date: of a message without one
  Stamp created{};              // part of a Message-Id: of a message without one
  Context context = Context::local;
  std::string sender;           // internal form
  std::string full_name;
  bool maps_addresses = false;  // canonical maps and masquerading are for this message too
  bool is_checked = false;      // so are header_checks and body_checks ...
  bool is_returned = false;     // ... and what they refuse goes back to its sender
  bool requires_tls = false;    // the client asked for REQUIRETLS
  std::string origin, recipient, protocol, helo;  // for the log of those
};

class Content final : private mail::HeaderBlock::Handler, private mail::BodyWalk::Handler {
 public:
  Content(Addresses& addresses, const Policy& policy, Output& output, ContentContext context);

  // One content record; `is_whole`: N, otherwise L.
  void take(std::string_view data, bool is_whole);
  void finish();

  // Why the message cannot be taken, when it cannot. The first reason counts.
  enum class Problem { none, no_received, too_many_hops, no_separator, rewrite, mapping };
  [[nodiscard]] Problem problem() const { return problem_; }
  [[nodiscard]] const std::string& problem_text() const { return problem_text_; }

  // The first Message-Id:, given or added; empty when there is none.
  [[nodiscard]] const std::string& message_id() const { return message_id_; }
  [[nodiscard]] const Checks& checks() const { return checks_; }
  [[nodiscard]] bool is_8bit() const { return policy_.detect_8bit_encoding_header && mime_.is_8bit(); }
  [[nodiscard]] bool has_utf8_header() const { return has_utf8_header_; }
  // RFC 8689: what the header says of TLS, "TLS-Required: no"; and that REQUIRETLS was asked for where a content filter has it from.
  [[nodiscard]] bool says_tls_optional() const { return says_tls_optional_; }
  [[nodiscard]] bool says_tls_required() const { return says_tls_required_; }

 private:
  void field(std::string_view text) override;
  void end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) override;

  void part_field(std::string_view text, bool is_attached) override;
  void body_line(std::string_view data, bool is_whole, std::size_t offset) override;

  void take_line(std::string_view data, bool is_whole);
  void take_converted();
  // Nobody will get this message: no more of it is looked at.
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] bool rewrites_headers() const;
  void note(std::string_view name, std::string_view value);
  void rewrite_and_put(AddressPlace place, std::string_view name, std::string_view value);
  void add_missing();
  void add_missing_field(std::string_view prefix, std::string_view name, bool is_present, std::string text);
  void put_field(std::string_view text);
  void body(std::string_view data, bool is_whole);
  void fail(Problem problem, std::string text);

  Addresses& addresses_;
  const Policy& policy_;
  Output& output_;
  ContentContext context_;
  Canonical canonical_;
  mail::HeaderBlock header_;
  Checks checks_;
  mail::MimeScan mime_;
  mail::BodyWalk walk_;               // where the body is checked
  std::optional<mail::Downgrade> downgrade_;
  std::vector<mail::Downgrade::Line> converted_;

  struct Presence {
    bool from = false, date = false, message_id = false;
  };
  Presence plain_, resent_fields_;
  bool has_recipient_field_ = false;  // To, Cc, or their Resent- forms
  bool is_resent_ = false;
  bool message_id_logged_ = false;
  bool has_utf8_header_ = false;
  bool says_tls_optional_ = false, says_tls_required_ = false;
  bool at_line_start_ = true;         // of the body
  int hops_ = 0;
  std::string message_id_;
  Problem problem_ = Problem::none;
  std::string problem_text_;
};

}  // namespace cleanup
