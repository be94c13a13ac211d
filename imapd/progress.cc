#include "imapd/progress.h"

#include <fmt/format.h>

#include "imapd/session.h"

namespace imapd {
namespace {

constexpr std::chrono::seconds interval{10};

// RFC 9585 section 4: a quoted string.
std::string in_quotes(std::string_view tag) {
  std::string out = "\"";
  for (const char c : tag) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

Progress::Progress(Session& session, std::string_view what, std::size_t goal, std::size_t steps)
    : session_(session), what_(what), goal_(goal), steps_(steps), step_size_(goal), begun_(std::chrono::steady_clock::now()), told_(begun_) {
  session_.progress() = this;
}

Progress::~Progress() { session_.progress() = nullptr; }

void Progress::next_step(std::size_t messages) {
  ++step_;
  step_size_ = messages;
}

void Progress::went(std::size_t done_of_step) {
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < interval || done_of_step == 0 || done_of_step > step_size_) return;
  // RFC 9585: the goal stays, and what is done becomes more.
  const std::size_t done = (goal_ * step_ + goal_ * done_of_step / step_size_) / steps_;
  if (done == 0 || done > goal_) return;
  told_ = now;
  const double passed = std::chrono::duration<double>(now - begun_).count();
  const auto left = static_cast<std::uint64_t>(passed / static_cast<double>(done) * static_cast<double>(goal_ - done));
  const std::string code = fmt::format("INPROGRESS ({} {} {})", in_quotes(session_.command().tag), done, goal_);
  std::string out;
  imap::append_status(out, "*", imap::Status::ok, code, fmt::format("{} {}% of the mailbox, ETA {}:{:02}", what_, done * 100 / goal_, left / 60, left % 60));
  session_.write(out);
  session_.flush();
}

}  // namespace imapd
