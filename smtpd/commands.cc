#include "smtpd/commands.h"

#include <algorithm>
#include <string>
#include <vector>

#include "lib/base/ascii.h"
#include "smtpd/verbs/verbs.h"

namespace smtpd {
namespace {

constexpr Refusals always{};

constexpr const char* in_progress = "503 5.5.1 Error: MAIL transaction in progress";
constexpr const char* nested = "503 5.5.1 Error: nested MAIL command";
constexpr const char* need_mail = "503 5.5.1 Error: need MAIL command";
constexpr const char* need_rcpt = "503 5.5.1 Error: need RCPT command";
constexpr const char* no_recipients = "554 5.5.1 Error: no valid recipients";
constexpr const char* mail_after_bdat = "503 5.5.1 Error: MAIL after BDAT";
constexpr const char* rcpt_after_bdat = "503 5.5.1 Error: RCPT after BDAT";
constexpr const char* data_after_bdat = "503 5.5.1 Error: DATA after BDAT";

//                              idle       mail           rcpt     chunks           chunks_failed    chunks_failed_idle
constexpr Refusals for_others{  nullptr,   in_progress,   in_progress, in_progress, in_progress,     nullptr};
constexpr Refusals for_mail{    nullptr,   nested,        nested,  nested,          nested,          mail_after_bdat};
constexpr Refusals for_rcpt{    need_mail, nullptr,       nullptr, rcpt_after_bdat, rcpt_after_bdat, rcpt_after_bdat};
constexpr Refusals for_data{    need_rcpt, no_recipients, nullptr, data_after_bdat, data_after_bdat, data_after_bdat};

constexpr std::array rows{
    //         verb        label       handler    flags                    refusals
    CommandRow{"HELO",     "helo",     &helo,     ends_pipeline,           always},
    CommandRow{"EHLO",     "ehlo",     &ehlo,     ends_pipeline,           always},
    CommandRow{"XCLIENT",  "xclient",  &xclient,  never_succeeds,          for_others},
    CommandRow{"XFORWARD", "xforward", &xforward, needs_tls,               for_others},
    CommandRow{"STARTTLS", "starttls", &starttls, none,                    always},
    CommandRow{"AUTH",     "auth",     &auth,     needs_helo | needs_tls,  always},
    CommandRow{"MAIL",     "mail",     &mail_from,needs_helo | needs_tls,  for_mail},
    CommandRow{"RCPT",     "rcpt",     &rcpt_to,  needs_tls,               for_rcpt},
    CommandRow{"DATA",     "data",     &data,     ends_pipeline|needs_tls, for_data},
    CommandRow{"BDAT",     "bdat",     &bdat,     needs_tls,               always},
    CommandRow{"RSET",     "rset",     &rset,     is_junk | needs_tls,     always},
    CommandRow{"NOOP",     "noop",     &noop,     ends_pipeline | is_junk, always},
    CommandRow{"VRFY",     "vrfy",     &vrfy,     ends_pipeline | is_junk, always},
    CommandRow{"ETRN",     "etrn",     &etrn,     is_junk,                 always},
    CommandRow{"QUIT",     "quit",     &quit,     serves_denied,           always},
    CommandRow{"HELP",     "help",     &help,     is_junk,                 always},
    CommandRow{"",         "unknown",  &unknown,  none,                    always},
};

constexpr std::size_t unknown_index = rows.size() - 1;

constexpr bool verbs_are_unique() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j) {
      if (rows[i].verb == rows[j].verb) return false;
    }
  }
  return true;
}
static_assert(verbs_are_unique());

std::string join_names() {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < unknown_index; ++i) names.push_back(rows[i].verb);
  std::ranges::sort(names);
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ' ';
    out += name;
  }
  return out;
}

}  // namespace

const CommandRow& command_row(std::size_t index) { return rows.at(index); }

std::size_t find_command(std::string_view verb) {
  for (std::size_t i = 0; i < unknown_index; ++i) {
    if (ascii::equal_ignoring_case(rows[i].verb, verb)) return i;
  }
  return unknown_index;
}

std::size_t unknown_command() { return unknown_index; }

std::string_view command_names() {
  static const std::string names = join_names();
  return names;
}

}  // namespace smtpd
