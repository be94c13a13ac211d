#pragma once
// The milters' part in a message, when all of it has come: each in its turn hears the content and says what becomes of it, and
// what is to be changed. The next one sees what the one before has made of it.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "cleanup/draft.h"
#include "cleanup/message.h"
#include "cleanup/policy.h"
#include "lib/io/stream.h"
#include "lib/milter/milters.h"

namespace cleanup {

// For all messages of the process.
struct FilterSetup {
  milter::Filters filters;               // non_smtpd_milters
  milter::MacroLists macro_lists;
  std::string daemon_name, v;            // milter_macro_daemon_name, milter_macro_v
};

class ContentFilters {
 public:
  // `flags` say whose milters these are: smtpd's, which have heard of the envelope and come with the content, or those of
  // non_smtpd_milters, for which a session is played.
  ContentFilters(const FilterSetup& setup, const Policy& policy, Draft& draft, Message& message, ipc::CleanupFlags flags);

  // The record that begins the handing over of smtpd's, and is none of the message.
  [[nodiscard]] bool come_with(queue::RecordType type) const { return !plays_ && type == queue::RecordType::milter_count; }
  [[nodiscard]] Result<void> take_over(io::Stream& stream, std::string_view count, std::chrono::seconds timeout);

  // The message has just taken a record of this type.
  void follow(queue::RecordType type);
  // All of it has come. What they decide is the message's then; what they have made of it goes to `output`.
  void finish(Output& output);

 private:
  [[nodiscard]] std::optional<std::string> macro(std::string_view name) const;
  [[nodiscard]] bool is_open() const { return message_.status() == ipc::CleanupStatus::ok && !message_.is_discarded(); }
  void play_sender();
  void play_recipient();
  // False: it is decided already what becomes of the message.
  [[nodiscard]] bool play_data();
  void run();
  void write(Output& output);
  [[nodiscard]] milter::Verdict filter(milter::Milter& one);
  [[nodiscard]] milter::Verdict send_content(milter::Milter& one);
  [[nodiscard]] milter::Verdict end(milter::Milter& one);
  // False: no other milter needs to be asked.
  [[nodiscard]] bool take(const milter::Verdict& verdict, std::string_view stage);
  void tell(std::string_view action, std::string_view stage, std::string_view text) const;

  const FilterSetup& setup_;
  const Policy& policy_;
  Draft& draft_;
  Message& message_;
  bool is_returned_;                                      // when it is refused: it is needed for the notice
  bool plays_;
  milter::Milters milters_;
  bool has_read_header_ = false;
  std::optional<std::string> mail_address_, recipient_;   // while milters hear of them
};

}  // namespace cleanup
