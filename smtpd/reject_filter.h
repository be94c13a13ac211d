#pragma once
// What the site would rather say to a client that is refused (smtpd_reject_filter_maps): of replies of the server's own, of
// milters, policies and cleanup alike. The reject line of the log has what was decided.

#include "lib/maps/table.h"
#include "smtpd/reply.h"
#include "smtpd/smtpd_params.h"

namespace smtpd {

class RejectFilter {
 public:
  static Result<RejectFilter> open(maps::Tables& tables, const Params& params);

  // By the whole reply, in one line. As it is when nothing is found, when nobody can say, or when what is found is no refusal:
  // the last two are logged.
  [[nodiscard]] Reply applied_to(Reply refusal) const;

 private:
  maps::Maps maps_;
};

}  // namespace smtpd
