#include "qmgr/clock_memory.h"

#include <cstdio>

#include <fcntl.h>

#include "lib/base/ascii.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

namespace qmgr {
namespace {

constexpr std::size_t file_limit = 4096;
constexpr const char* boot_id = "/proc/sys/kernel/random/boot_id";

// Without fsync: after a power cut the machine boots, and then the steady clock means nothing anyway.
Result<void> write_file(const std::string& directory, std::string_view text) {
  const std::string path = directory + "/" + clock_file, temporary = directory + "/" + new_clock_file;
  const Fd file = TRY(io::open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
  TRY(io::write_all(file, temporary, text));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return base::fail_system("rename " + temporary);
  return {};
}

}  // namespace

ClockMemory ClockMemory::open(const std::string& data_directory) {
  const auto boot = io::read_file(boot_id, file_limit);
  return {data_directory, boot ? std::string(ascii::trim(*boot)) : "unknown"};
}

ClockJumps ClockMemory::restore(const base::Clock& clock) const {
  const auto text = io::read_file(directory_ + "/" + clock_file, file_limit);
  return ClockJumps::restored(text ? *text : "", boot_, clock.stamp(), clock.now());
}

void ClockMemory::keep(const ClockJumps& jumps) const {
  if (const auto written = write_file(directory_, jumps.saved(boot_)); !written) maillog::warning("{}", written.error().message());
}

}  // namespace qmgr
