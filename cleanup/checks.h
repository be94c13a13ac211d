#pragma once
// header_checks(5) and body_checks(5): what the administrator's tables say of the lines of a message, and what comes of it.
// Each action is told in the log.

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/check_rule.h"
#include "lib/mail/mime_scan.h"
#include "lib/maps/table.h"

namespace cleanup {

// The tables of header_checks, mime_header_checks, nested_header_checks, body_checks, and milter_header_checks.
struct CheckMaps {
  maps::Maps header, mime, nested, body, milter;
  std::size_t body_size_limit = 51200;   // body_checks_size_limit: bytes of a part that are looked at
  // Whether the header of a part, or the lines of a body, are to be looked at.
  [[nodiscard]] bool see_body() const { return !mime.empty() || !nested.empty() || !body.empty(); }
  [[nodiscard]] bool see_header() const { return !header.empty() || !mime.empty(); }
};

// For the log: whose message it is.
struct CheckedMessage {
  std::string queue_id;
  std::string origin;                    // "name[address]", or "local"
  std::string sender, recipient;         // internal form; no recipient: there is none yet
  std::string protocol, helo;            // or empty
  std::string prefix = {};               // of the actions' names: "milter-header-"
};

class Checks {
 public:
  // `maps` is borrowed.
  Checks(const CheckMaps& maps, CheckedMessage message) : maps_(maps), message_(std::move(message)) {}

  // What is to be written for a line or field: nothing, or this text; and before it another one.
  struct Change {
    std::optional<std::string> before;
    std::optional<std::string> text;
  };
  [[nodiscard]] Change field(std::string_view text, std::string_view name, bool is_part, bool is_attached);
  // A field that a milter has made. It cannot have another one before it.
  [[nodiscard]] std::optional<std::string> milter_field(std::string_view text);
  [[nodiscard]] Change body_line(std::string_view data, std::size_t offset);

  // A character that nobody gets: message_reject_characters.
  void refuse_character(std::string_view text);
  // A fault of the message's form; each is told once.
  void refuse_fault(mail::MimeFault fault, std::string_view text);

  // What has been decided of the whole message.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }      // "5.7.1 text", or empty
  [[nodiscard]] const std::string& fault() const { return fault_; }          // the same of the message's form
  [[nodiscard]] const std::string& failure() const { return failure_; }      // a table that cannot be asked
  [[nodiscard]] bool is_discarded() const { return is_discarded_; }
  [[nodiscard]] bool is_held() const { return is_held_; }
  [[nodiscard]] const std::string& filter() const { return filter_; }        // "transport:destination"
  [[nodiscard]] const std::string& redirect() const { return redirect_; }
  [[nodiscard]] const std::vector<std::string>& copies() const { return copies_; }

 private:
  // No more is looked up.
  [[nodiscard]] bool is_over() const { return is_passed_ || is_discarded_ || !refusal_.empty() || !failure_.empty(); }
  [[nodiscard]] Change look_up(const maps::Maps& maps, std::string_view parameter, mail::CheckedText checked, std::string_view text);
  [[nodiscard]] Change apply(const mail::CheckRule& rule, std::string_view text);
  // `what` was looked at: "header"; `note` may be empty. With the client's protocol and name where a rule of the site said so.
  enum class Detail { short_form, with_client };
  void tell(std::string_view action, std::string_view what, std::string_view text, std::string_view note, Detail detail) const;

  const CheckMaps& maps_;
  CheckedMessage message_;
  std::string refusal_, fault_, failure_, filter_, redirect_;
  std::vector<mail::MimeFault> faults_told_;
  std::vector<std::string> copies_;
  bool is_discarded_ = false, is_held_ = false, is_passed_ = false;
};

}  // namespace cleanup
