#pragma once
// What a local user may say about a message: the record types and attributes that postdrop(1) takes and pickup(8)
// believes. All else could forge where a message came from, or reach into the queue file's own machinery.

#include <optional>
#include <string>
#include <string_view>

#include "lib/queue/message.h"
#include "lib/queue/record.h"

namespace submit {

enum class Verdict {
  keep,
  skip,    // without effect; the complaint, if any, is a warning
  refuse,  // the message is not taken
};

struct Judgement {
  Verdict verdict = Verdict::keep;
  std::string complaint;  // for the log, without the user's name
};

// trace_flags that a user may ask for: sendmail -bv, sendmail -v.
inline constexpr unsigned trace_verify = 512, trace_record = 1024;

// What a C record says of the sender's wishes (sendmail -O): bits of queue::Message::send_options, of which a user may have
// smtputf8_requested and tls_required. None: it is no such record.
inline constexpr int send_options_allowed = queue::smtputf8_requested | queue::tls_required;
[[nodiscard]] std::optional<int> send_options_in(std::string_view size_record);
// The record that says so, and nothing of sizes, which sendmail does not know.
[[nodiscard]] std::string size_record_with(int send_options);

class EnvelopeFilter {
 public:
  // The next record of a message. After a refusal there are no more.
  [[nodiscard]] Judgement take(queue::RecordType type, std::string_view data);

  // The E record has come.
  [[nodiscard]] bool is_complete() const { return part_ == Part::done; }
  [[nodiscard]] bool in_content() const { return part_ == Part::content; }
  // Whether there is a sender and somebody to deliver to.
  [[nodiscard]] bool has_envelope() const { return has_sender_ && has_recipient_; }

 private:
  enum class Part { envelope, content, extracted, done };

  Part part_ = Part::envelope;
  bool has_sender_ = false, has_recipient_ = false;
};

}  // namespace submit
