#pragma once
// The texts of notices: built in, or from bounce_template_file, whose format bounce(5) describes:
//
//   failure_template = <<EOF
//   Charset: us-ascii
//   Subject: Undelivered Mail Returned to Sender
//
//   This is the mail system at host $myhostname.
//   EOF

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/config/main_cf.h"

namespace bounce {

enum class Kind {
  failure,  // could not be delivered
  delay,    // not yet, will be tried again
  success,  // the sender asked for it with NOTIFY=SUCCESS
  verify,   // the sender asked for a report with sendmail -v or -bv
};
inline constexpr std::size_t kinds = 4;

struct Template {
  std::string charset, subject;
  std::string from;                 // empty: the system's own, in the form of header_from_format
  std::string postmaster_subject;   // empty: there are no postmaster copies of this kind
  std::vector<std::string> text;    // lines, with macros as in main.cf
};

class Templates {
 public:
  // The built-in ones.
  Templates();
  // Those in the text of a template file in place of the built-in ones of the same kind. What cannot be understood
  // is an entry of `warnings`, and the built-in template stays.
  void read(std::string_view text, std::string_view file, std::vector<std::string>& warnings);

  // Expands the macros of all texts, with delay_warning_time_UNIT and maximal_queue_lifetime_UNIT. Error for a name
  // that nobody knows. Warnings: a time that is zero in its unit.
  [[nodiscard]] Result<void> expand(const config::Main& main, std::vector<std::string>& warnings);

  [[nodiscard]] const Template& operator[](Kind kind) const { return templates_[static_cast<std::size_t>(kind)]; }

 private:
  std::array<Template, kinds> templates_;
  std::array<std::string, kinds> origin_;   // for messages: the file, or "[built-in]"
};

}  // namespace bounce
