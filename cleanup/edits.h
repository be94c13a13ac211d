#pragma once
// What one milter changes of a message. Nothing is changed until it has said its last word: one that is lost before leaves the
// message as it was.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/checks.h"
#include "cleanup/draft.h"
#include "cleanup/message.h"
#include "cleanup/policy.h"
#include "cleanup/spool.h"
#include "lib/milter/milter.h"

namespace cleanup {

// The error of a body that is larger than message_size_limit.
inline constexpr std::string_view too_big = "the new body is larger than message_size_limit";

class Edits final : public milter::Editor {
 public:
  // `keeps_space`: the milter writes the space after a field's colon itself.
  Edits(Draft& draft, Message& message, const Policy& policy, bool keeps_space);

  Result<void> add_header(std::string_view name, std::string_view value) override;
  Result<void> insert_header(std::uint32_t index, std::string_view name, std::string_view value) override;
  Result<void> change_header(std::uint32_t index, std::string_view name, std::string_view value) override;
  Result<void> change_sender(std::string_view address, std::string_view arguments) override;
  Result<void> add_recipient(std::string_view address, std::string_view arguments) override;
  Result<void> delete_recipient(std::string_view address) override;
  Result<void> replace_body(std::string_view piece) override;
  Result<void> quarantine(std::string_view reason) override;

  // What milter_header_checks say of the fields that it has made.
  [[nodiscard]] const Checks& checks() const { return checks_; }
  // Why the message waits in hold/, when it is to.
  [[nodiscard]] const std::optional<std::string>& quarantine_reason() const { return quarantine_; }

  // Makes the changes.
  [[nodiscard]] Result<void> commit();

 private:
  // The field as it is to be written; none: the milter's name for it is none, or a rule wants it away.
  [[nodiscard]] std::optional<std::string> made(std::string_view name, std::string_view value);
  [[nodiscard]] Result<void> add_body_line(bool is_last);

  struct EnvelopeEdit {
    enum class Kind : std::uint8_t { sender, add, remove } kind;
    std::string address, arguments;
  };

  Draft& draft_;
  Message& message_;
  const Policy& policy_;
  bool keeps_space_;
  Checks checks_;
  std::vector<std::string> header_;
  std::vector<EnvelopeEdit> envelope_;
  std::optional<Spool> body_;
  std::string line_;                     // of the body, that has not ended
  bool is_continued_ = false;            // a part of it has been written
  std::optional<std::string> quarantine_;
};

}  // namespace cleanup
