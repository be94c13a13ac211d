#pragma once
// Warns when one destination holds most of the active queue, with advice (qmgr_clog_warn_time).

#include "qmgr/qmgr_params.h"
#include "qmgr/transport.h"

namespace qmgr {

class Clog {
 public:
  explicit Clog(const Params& params) : params_(params) {}

  // `messages`: in the active queue.
  void look_at(const Transport& transport, Destination& destination, std::size_t messages, Deadline now);

 private:
  const Params& params_;
  Deadline next_{};
};

}  // namespace qmgr
