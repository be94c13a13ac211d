#include "pop3d/login_delay.h"

#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/store/folder.h"
#include "lib/store/names.h"

namespace pop3d {
namespace {

constexpr const char* last_login = "valija-pop3-login";

}  // namespace

Result<bool> may_log_in(const store::Location& location, std::chrono::seconds delay) {
  const Fd directory = TRY(store::make_directory(store::places_of(store::inbox_name, location).control));
  const store::FileMark last = store::mark_in(directory, last_login);
  // A time to come is that of another clock: it keeps nobody out.
  const std::int64_t passed = ::time(nullptr) - last.seconds;
  if (last.inode != 0 && passed >= 0 && passed < delay.count()) return false;
  const Fd file = TRY(store::open_in(directory, last_login, O_CREAT | O_WRONLY));
  if (::futimens(file.get(), nullptr) != 0) return base::fail_system("note the login");
  return true;
}

}  // namespace pop3d
