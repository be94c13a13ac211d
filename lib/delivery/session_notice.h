#pragma once
// What the postmaster is told of SMTP sessions in which something went wrong (notify_classes): the session as it went, line by
// line. Both ends of SMTP send such notices.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/ipc/connections.h"

namespace delivery {

// The classes of notify_classes; a sum of bits.
enum class NoticeClass : unsigned {
  none = 0, bounce = 1, double_bounce = 2, data = 4, delay = 8, policy = 16, protocol = 32, resource = 64, software = 128,
};
[[nodiscard]] constexpr NoticeClass operator|(NoticeClass a, NoticeClass b) {
  return static_cast<NoticeClass>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr NoticeClass operator&(NoticeClass a, NoticeClass b) {
  return static_cast<NoticeClass>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
// An Error for a word that is no class.
[[nodiscard]] Result<NoticeClass> parse_notice_classes(std::string_view words);

// A session so far. What is longer than the limit is not kept: the beginning tells more than the end.
class Transcript {
 public:
  static constexpr std::size_t line_limit = 1000;       // lines in a notice
  static constexpr std::size_t size_limit = 80 * 1024;  // bytes that are kept
  void sent(std::string_view line) { add('>', line); }
  void heard(std::string_view line) { add('<', line); }
  void note(NoticeClass what) { errors_ = errors_ | what; }
  // What has been noted is forgiven.
  void forgive() { errors_ = NoticeClass::none; }
  void clear() { *this = Transcript(); }
  [[nodiscard]] NoticeClass errors() const { return errors_; }
  // As they are shown: printable, folded at blanks.
  [[nodiscard]] std::vector<std::string> lines() const;
  // How many those are.
  [[nodiscard]] std::size_t size() const { return std::min(size_, line_limit); }

 private:
  void add(char direction, std::string_view line);

  std::size_t size_ = 0;
  std::string spoken_;  // a byte for the direction, the line, a line feed, ...: made readable only when somebody reads it
  NoticeClass errors_ = NoticeClass::none;
};

// What is the same for all notices of a process.
struct NoticeSite {
  NoticeClass wanted = NoticeClass::none;       // notify_classes
  std::string myhostname, mail_name;
  std::string double_bounce_sender;             // without domain, or complete
  bool from_has_comment = false;                // header_from_format = obsolete
  bool is_filtered = false;                     // "notify" in internal_mail_filter_classes
  std::size_t line_length_limit = 2048;
  std::string cleanup_socket;                   // below the queue directory
};

// Of the parameters of smtp(8), lmtp(8) or smtpd(8).
template <class Params>
[[nodiscard]] Result<NoticeSite> notice_site(const Params& params) {
  const auto internal = ascii::split(params.internal_mail_filter_classes, ", \t\r\n");
  return NoticeSite{.wanted = TRY(parse_notice_classes(params.notify_classes)),
                    .myhostname = params.myhostname,
                    .mail_name = params.mail_name,
                    .double_bounce_sender = params.double_bounce_sender,
                    .from_has_comment = params.header_from_format == "obsolete",
                    .is_filtered = std::ranges::find(internal, "notify") != internal.end(),
                    .line_length_limit = static_cast<std::size_t>(params.line_length_limit),
                    .cleanup_socket = "public/" + params.cleanup_service_name};
}

class SessionNotices {
 public:
  // Both are borrowed.
  SessionNotices(NoticeSite site, ipc::Connections& services, const base::Clock& clock)
      : site_(std::move(site)), services_(services), clock_(clock) {}

  // Whether a transcript is worth keeping.
  [[nodiscard]] bool wants(NoticeClass any) const { return (site_.wanted & any) != NoticeClass::none; }

  struct Notice {
    std::string to;                             // internal form
    std::string named_to;                       // as the header says; empty: the same
    std::string subject;
    std::string opening;                        // a line before the transcript, or empty
    std::vector<std::string> closing;           // lines behind it
  };
  // A notice that cannot be sent is logged.
  void send(const Notice& notice, const Transcript& transcript) const;

 private:
  [[nodiscard]] Result<void> submit(const Notice& notice, const Transcript& transcript) const;

  NoticeSite site_;
  ipc::Connections& services_;
  const base::Clock& clock_;
};

}  // namespace delivery
