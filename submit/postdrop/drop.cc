#include "submit/postdrop/drop.h"

#include <cerrno>
#include <optional>

#include <fmt/core.h>

#include "lib/log/log.h"
#include "submit/envelope_filter.h"

namespace postdrop {
namespace {

std::string time_record(Stamp now) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  return fmt::format("{} {}", micros / 1'000'000, micros % 1'000'000);
}

Status status_of(const base::Error& error) { return error.code() == EFBIG ? Status::size : Status::write; }

}  // namespace

Ended copy_message(Input& input, MaildropFile file, const base::Clock& clock, const std::string& who, const SenderRule& rule) {
  submit::EnvelopeFilter filter;
  std::optional<SenderRefusal> refusal;  // the rest of the input is then only read
  std::optional<base::Error> failure;  // of writing; the rest of the input is then only read
  const auto add = [&](queue::RecordType type, std::string_view data) {
    if (failure) return;
    if (auto added = file.add(type, data); !added) failure = std::move(added).error();
  };
  const auto judge_sender = [&](std::string_view sender) {
    if (rule && !refusal) refusal = rule(sender);
  };
  add(queue::RecordType::time, time_record(clock.stamp()));
  while (!filter.is_complete()) {
    const Input::Item item = input.next();
    switch (item.kind) {
      case Input::Kind::end: return {Ended::How::abandoned, Status::ok, ""};
      case Input::Kind::signalled: return {Ended::How::abandoned, Status::write, ""};
      case Input::Kind::malformed:
        maillog::warning("stdin: {}", input.problem());
        return {Ended::How::fatal, Status::bad, who + ": malformed input"};
      case Input::Kind::record: break;
    }
    const submit::Judgement judgement = filter.take(item.type, item.data);
    switch (judgement.verdict) {
      case submit::Verdict::keep:
        if (item.type == queue::RecordType::sender) judge_sender(item.data);
        add(item.type, item.data);
        break;
      case submit::Verdict::skip: maillog::warning("{}: {}", who, judgement.complaint); break;
      case submit::Verdict::refuse: return {Ended::How::fatal, Status::bad, who + ": " + judgement.complaint};
    }
  }
  if (refusal) return {Ended::How::refused, refusal->status, std::move(refusal->reason)};
  if (!filter.has_envelope()) return {Ended::How::refused, Status::bad, ""};
  if (!failure) {
    if (auto committed = std::move(file).commit(); !committed) failure = std::move(committed).error();
  }
  if (!failure) return {};
  maillog::warning("{}: {}", who, failure->code() == EFBIG ? "File too large" : failure->message());
  return {Ended::How::refused, status_of(*failure), ""};
}

}  // namespace postdrop
