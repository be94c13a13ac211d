#pragma once
// What is added to refusals for the people who read them (smtpd_reject_footer, smtpd_reject_footer_maps): a template with
// macros of the session. The log has the reply without it.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/maps/table.h"
#include "lib/smtp/own_reply.h"

namespace smtp {

class RejectFooter {
 public:
  struct Settings {
    std::string general;               // smtpd_reject_footer
    std::string_view maps_parameter;   // its name, and what it says
    std::string maps;
    std::string expansion_filter;      // characters that a client's words may bring in
  };
  // What the template may tell: the value of a macro, none where there is no such name. $localtime is known here.
  using Macros = std::function<std::optional<std::string>(std::string_view name)>;

  static Result<RejectFooter> open(maps::Tables& tables, Settings settings);

  // `said` with the footer of the refusal that it is, or is softened of (soft_bounce). As it is when there is none, or when
  // the template cannot be understood: that is logged.
  [[nodiscard]] Reply added_to(Reply said, const Reply& refusal, const Macros& macros, Stamp now) const;

 private:
  [[nodiscard]] std::string template_for(const Reply& refusal) const;

  std::string general_;
  std::string maps_parameter_;
  maps::Maps maps_;             // by the whole reply
  std::string allowed_;
};

}  // namespace smtp
