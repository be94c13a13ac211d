#pragma once
// What is added to refusals for the people who read them (smtpd_reject_footer, smtpd_reject_footer_maps): a template with
// macros of the session. The log has the reply without it.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/maps/table.h"
#include "smtpd/client.h"
#include "smtpd/reply.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {

// What the template may tell.
struct FooterFacts {
  const Client& client;
  std::string_view helo;
  std::optional<std::string_view> sender;  // none outside of a transaction
  std::string_view recipient;              // the first one
  std::string_view server_name;
  Stamp now;
};

class RejectFooter {
 public:
  static Result<RejectFooter> open(maps::Tables& tables, const Params& params);

  // `said` with the footer of the refusal that it is, or is softened of (soft_bounce). As it is when there is none, or when
  // the template cannot be understood: that is logged.
  [[nodiscard]] Reply added_to(Reply said, const Reply& refusal, const FooterFacts& facts) const;

 private:
  [[nodiscard]] std::string template_for(const Reply& refusal) const;

  std::string general_;         // smtpd_reject_footer
  maps::Maps maps_;             // by the whole reply
  std::string allowed_;         // smtpd_expansion_filter: characters that a client's words may bring in
};

}  // namespace smtpd
