#include "services/tlsmgr/trace_files.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>

#include "lib/base/ascii.h"

namespace tlsmgr {
namespace {

constexpr std::size_t part_limit = 64;   // bytes in a program's name, and in an address

// What may stand in a file's name; it comes from processes that speak with strangers.
bool is_plain(std::string_view text) {
  const auto is_good = [](char c) { return ascii::is_alnum(c) || c == '.' || c == ':' || c == '_'; };
  return !text.empty() && text.size() <= part_limit && text.front() != '.' && std::ranges::all_of(text, is_good);
}

// "20260514123045", local time.
std::string text_of(Stamp second) {
  const std::time_t time = std::chrono::system_clock::to_time_t(second);
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 16> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &local)};
}

}  // namespace

Result<Fd> TraceFiles::begin(std::string_view program, std::string_view address) {
  if (!is_plain(program) || !is_plain(address)) return base::fail("a trace of what has no name");
  const Stamp now = clock_.stamp();
  const Stamp second = std::chrono::floor<std::chrono::seconds>(now);
  if (second != second_) begun_ = 0;
  second_ = second;
  if (begun_ >= rate_limit_) return Fd();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now - second).count();
  std::string path = fmt::format("{}/{}-{}-{:06}-{}-XXXXXX", trace_directory, program, text_of(second), microseconds, address);
  Fd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) return base::fail_system("create " + path);
  ++begun_;
  return file;
}

}  // namespace tlsmgr
