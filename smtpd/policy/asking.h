#pragma once
// One series of questions to restriction lists, and what goes from one answer to the next: warn_if_reject, and the doubts
// that a temporary failure leaves behind.

#include <optional>

#include "smtpd/policy/restriction.h"

namespace smtpd::policy {

// Who asks: the session. It has the log's view of the client.
class Asker {
 public:
  Asker() = default;
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  virtual ~Asker() = default;
  // A line of the log: "hold" and its like, with the text behind the client's name.
  virtual void log_verdict(std::string_view action, std::string_view text) = 0;
};

// Had some restriction been able to say, the mail might have been refused, or taken: so it is not taken, or not refused for
// good. The first failure is the one that the client hears of.
struct Doubts {
  std::optional<Reply> if_permit, if_reject;
};

class Asking {
 public:
  static constexpr int nesting_limit = 20;   // of classes and of lists from tables

  Asking(Policy& policy, Stage stage, const Subject& subject, Asker& asker, Doubts& doubts)
      : policy_(policy), subject_(subject), asker_(asker), doubts_(doubts), stage_(stage) {}

  // In order, up to the first that says something.
  [[nodiscard]] Verdict ask(const Restrictions& list, About about);
  // One restriction that stands in no list.
  [[nodiscard]] Verdict ask(Check check);
  // For a list within a list; none when it is too deep. A class may be one deeper: where tables and classes name each other,
  // it is a table's entry that is found fault with.
  enum class Nested { of_table, of_class };
  [[nodiscard]] std::optional<Verdict> ask_nested(Nested kind, const Restrictions& list, About about);

  // For the restrictions.
  enum class Tempfail { defer, defer_if_permit };
  // Could not say, and might have refused.
  [[nodiscard]] Verdict unsure(Tempfail action, Reply reply);
  // Could not say, and might have permitted.
  [[nodiscard]] Verdict unsure_of_permit(Reply reply);
  void log(std::string_view action, std::string_view text) { asker_.log_verdict(action, text); }
  // What has permitted what, where smtpd_log_access_permit_actions names it. `table` is empty where it is a restriction.
  void log_permission(std::string_view action, const About& about, std::string_view table);

 private:
  [[nodiscard]] Verdict ask_item(const Item& item, About about);
  [[nodiscard]] Verdict settled(Verdict verdict);

  Policy& policy_;
  const Subject& subject_;
  Asker& asker_;
  Doubts& doubts_;
  Stage stage_;
  bool only_warns_ = false;
  int depth_ = 0;
};

// The word of a parameter such as reject_tempfail_action.
[[nodiscard]] Result<Asking::Tempfail> parse_tempfail(std::string_view parameter, std::string_view word);

}  // namespace smtpd::policy
