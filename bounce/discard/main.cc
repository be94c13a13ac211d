// discard: the delivery agent that throws mail away, with the route's text as the reason in the log. Serves qmgr only; asks
// trace for those who want a report, and writes the done bytes of a queue file that qmgr has opened. Opens no file, keeps
// no privilege. When it dies, the recipients are still in the queue file, and are discarded the next time.

#include "bounce/agent.h"
#include "bounce/discard/discard_params.h"
#include "lib/server/service.h"

namespace {

Result<std::unique_ptr<server::Service>> make(server::Startup& startup) {
  const discard::Params params = TRY(discard::Params::load(startup.main));
  return std::make_unique<bounce::Agent>(
      startup, &bounce::decide_discard,
      delivery::RecorderSettings{.soft_bounce = params.soft_bounce,
                                 .delay_logging_resolution_limit = params.delay_logging_resolution_limit},
      delivery::LogSockets::of(params));
}

}  // namespace

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "discard",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true},
                         .make = &make,
                     });
}
