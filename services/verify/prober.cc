#include "services/verify/prober.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/probe_sender.h"
#include "lib/queue/message.h"
#include "lib/queue/message_stream.h"

namespace verify {
namespace {

constexpr std::chrono::seconds patience{100};  // with cleanup
constexpr std::size_t line_limit = 2048;       // bytes of a record; no line of a probe is longer

bool has_class(std::string_view classes, std::string_view wanted) {
  return std::ranges::any_of(ascii::split(classes, ", \t\r\n"), [wanted](std::string_view one) { return one == wanted || one == "all"; });
}

}  // namespace

Prober::Prober(const Params& params, ipc::Connections& services, const base::Clock& clock)
    : params_(params),
      services_(services),
      clock_(clock),
      addresses_(services, clock, "private/" + params.rewrite_service_name),
      detects_smtputf8_(params.smtputf8_enable && has_class(params.smtputf8_autodetect_classes, "verify")) {}

Result<void> Prober::send(const std::string& address) {
  using queue::RecordType;
  const Deadline deadline = base::after(patience);
  const Stamp now = clock_.stamp();
  std::string from = mail::probe_sender(params_.address_verify_sender, params_.address_verify_sender_ttl, now);
  if (!from.empty()) from = mail::to_internal(TRY(addresses_.rewrite("local", from)));
  // Not filtered, whatever is said of other mail that the suite makes: a rule that refuses the probe says nothing of the address.
  ipc::CleanupFlags flags = ipc::CleanupFlags::internal | ipc::CleanupFlags::map;
  if (detects_smtputf8_) flags = flags | ipc::CleanupFlags::autodetect_smtputf8;
  queue::MessageStream message = TRY(queue::MessageStream::open(services_, flags, deadline, "public/" + params_.cleanup_service_name));
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  message.add(RecordType::time, fmt::format("{} {}", usec / 1'000'000, usec % 1'000'000), deadline);
  message.add_attribute("log_message_origin", "local", deadline);
  message.add_attribute("trace_flags", std::to_string(queue::trace_probe), deadline);
  message.add_attribute("rewrite_context", "local", deadline);
  message.add(RecordType::sender, from, deadline);
  message.add(RecordType::recipient, address, deadline);
  message.add(RecordType::message_start, {}, deadline);
  const auto line = [&](std::string_view text) { message.add_line(text, line_limit, deadline); };
  const std::string date = mail::rfc5322_date(now);
  line(fmt::format("Received: by {} ({})", params_.myhostname, params_.mail_name));
  line(fmt::format("\tid {}; {}", message.queue_id(), date));
  line(fmt::format("Date: {}", date));
  line(fmt::format("From: <{}>", ascii::printable(mail::to_external(from))));
  line("Subject: Mail delivery probe");
  line("Auto-Submitted: auto-generated");
  message.add(RecordType::extracted, {}, deadline);
  const ipc::MessageClosed closed = TRY(message.finish(deadline));
  if (closed.status != ipc::CleanupStatus::ok) return base::fail("cleanup did not take the probe: " + closed.reason);
  return {};
}

}  // namespace verify
