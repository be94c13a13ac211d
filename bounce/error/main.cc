// error: the delivery agent of routes that lead nowhere. As the service "error" it bounces, as "retry" it defers, with the
// route's text as the reason. Serves qmgr only; asks bounce and defer, and writes the done bytes of a queue file that
// qmgr has opened. Opens no file, keeps no privilege. When it dies, the recipients are still in the queue file.

#include "bounce/agent.h"
#include "bounce/error/error_params.h"
#include "lib/server/service.h"

namespace {

Result<std::unique_ptr<server::Service>> make(server::Startup& startup) {
  const error::Params params = TRY(error::Params::load(startup.main));
  const bounce::Decide decide = startup.service == "retry" ? &bounce::decide_retry : &bounce::decide_error;
  return std::make_unique<bounce::Agent>(
      startup, decide,
      delivery::RecorderSettings{.soft_bounce = params.soft_bounce,
                                 .delay_logging_resolution_limit = params.delay_logging_resolution_limit},
      delivery::LogSockets::of(params),
      TRY(queue::FlushSites::open(startup.main, params, &startup.services)));
}

}  // namespace

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "error",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .accepts = true},
                         .make = &make,
                     });
}
