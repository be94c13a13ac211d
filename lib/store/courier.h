#pragma once
// What Courier keeps beside a Maildir, for the one time that the mailbox is taken over. courierimapuiddb is version 1 of
// dovecot-uidlist (uidlist.h). courierpop3dsizelist, which only an INBOX has:
//   /3 <next number> <validity>
//   <file> <size> <number>:<validity>:<needs UTF8?>
// courierimapkeywords/:list has the keywords of all messages; messages are changed one by one in files beside it, which
// say all that the message has: BASE, and .<time>.BASE, which was BASE before; of these the last time counts.
//   <keyword>
//   ...
//   <empty line>
//   <base name>:<number of a line above> ...

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace store {

inline constexpr const char* courier_uid_file = "courierimapuiddb";
inline constexpr const char* courier_pop3_file = "courierpop3dsizelist";
inline constexpr const char* courier_keyword_directory = "courierimapkeywords";
inline constexpr const char* courier_keyword_list = ":list";
inline constexpr const char* courier_subscriptions_file = "courierimapsubscribed";

// Files of single messages in courierimapkeywords.
[[nodiscard]] Result<std::vector<std::string>> courier_keyword_files(const Fd& directory);

// What POP3's UIDL was, by base name. Files without a UIDL (before version 2, and lines that make no sense) are left out.
using CourierUidls = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] CourierUidls courier_uidls(std::string_view size_list);

class CourierKeywords {
 public:
  [[nodiscard]] static Result<CourierKeywords> read(const Fd& mailbox);

  void add_list(std::string_view text);
  // The whole of what one message has, whatever the list says.
  void set_message(std::string_view base, std::string_view text);

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  // Indexes of names(), by base name.
  using Messages = std::map<std::string, std::vector<std::size_t>, std::less<>>;
  [[nodiscard]] const Messages& messages() const { return messages_; }

 private:
  // No number: there are too many.
  [[nodiscard]] std::optional<std::size_t> number_of(std::string_view name);

  std::vector<std::string> names_;  // as they were first written
  std::map<std::string, std::size_t, std::less<>> numbers_;  // by the name in small letters
  Messages messages_;
};

}  // namespace store
