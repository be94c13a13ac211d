#include "cleanup/handed_over.h"

#include "lib/base/ascii.h"
#include "lib/base/deadline.h"
#include "lib/milter/handover.h"

namespace cleanup {

Result<milter::Milters> receive_milters(io::Stream& stream, std::string_view count, std::chrono::seconds timeout) {
  const auto number = ascii::parse_number(count, milter::filters_limit);
  if (!number) return base::fail("bad number of milters");
  milter::Milters milters;
  for (std::uint64_t i = 0; i < *number; ++i) {
    milters.row().emplace_back(TRY(ipc::receive<milter::Handover>(stream, base::after(timeout))));
    ipc::send(stream, milter::HandoverTaken{}, base::after(timeout));
    if (stream.flush(base::after(timeout)) != io::End::ok) return base::fail("client is gone while it hands over milters");
  }
  return milters;
}

}  // namespace cleanup
