// The session's part in AUTH.

#include "lib/base/check.h"
#include "lib/log/log.h"
#include "smtpd/session.h"

namespace smtpd {

void Session::logged_in(Login login) {
  CHECK(!login_);
  login_ = std::make_unique<Login>(std::move(login));
}

std::optional<std::string> Session::read_response(bool& is_too_long) {
  // Parts of a response that is too long, before the client is taken for one that will never end it.
  constexpr int parts_limit = 100;
  const auto limit = static_cast<std::size_t>(params().smtpd_sasl_response_limit);
  heard("...");   // no transcript has it
  const Deadline until = deadline();
  io::LineResult line = stream_.read_line(until, limit - 1);
  if (line) return std::string(line.text());
  is_too_long = line.end() == io::End::too_long;
  if (is_too_long) maillog::warning("{}: request longer than {}: ...", client_.name_and_address, limit);
  for (int part = 0; line.end() == io::End::too_long; ++part) {
    if (part == parts_limit) {
      ending_ = Ending::line_too_long;
      is_too_long = false;
      return std::nullopt;
    }
    line = stream_.read_line(until, limit - 1);
  }
  if (line) return std::nullopt;
  is_too_long = false;
  lost(line.end(), std::nullopt);
  return std::nullopt;
}

}  // namespace smtpd
