#include "lib/auth/saslauthd.h"

#include "lib/io/stream.h"

namespace auth {
namespace {

constexpr std::chrono::seconds answer_wait{30};   // PAM modules make who guesses wait
constexpr std::size_t value_limit = 65535, answer_limit = 1024;
constexpr unsigned byte_bits = 8;

std::string counted(std::string_view value) {
  std::string out{static_cast<char>(value.size() >> byte_bits), static_cast<char>(value.size() & 0xff)};
  return out += value;
}

}  // namespace

Saslauthd::Saslauthd(const std::string& path) : connections_({.text = path, .host = {}, .service = {}, .path = path}, {{}, {}}) {}

Result<bool> Saslauthd::check(const Question& question) {
  const Deadline deadline = base::after(answer_wait);
  std::string text;
  for (const std::string* value : {&question.user, &question.password, &question.service, &question.realm}) {
    if (value->size() > value_limit) return false;
    text += counted(*value);
  }
  auto connection = connections_.take(deadline);
  if (!connection) return base::Failure(std::move(connection).error().within("cannot connect to saslauthd server " + connections_.name()));
  connection->stream.write(text, deadline);
  const auto lost = [&] { return base::fail("no answer from saslauthd server " + connections_.name()); };
  std::string size_bytes, answer;
  if (connection->stream.read_exact(size_bytes, 2, deadline) != io::End::ok) return lost();
  const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(size_bytes[0])) << byte_bits | static_cast<unsigned char>(size_bytes[1]);
  if (size < 2 || size > answer_limit || connection->stream.read_exact(answer, size, deadline) != io::End::ok) return lost();
  // "OK" or "NO"; behind it there may be more.
  return answer.starts_with("OK");
}

}  // namespace auth
