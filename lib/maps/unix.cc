// unix:passwd.byname and unix:group.byname: the system's users and groups, as lines of those files.

#include <array>
#include <cerrno>

#include <fmt/core.h>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "lib/event/offload.h"
#include "lib/maps/registry.h"

namespace maps {
namespace {

constexpr std::size_t record_limit = 1024 * 1024;  // bytes of one user's or group's record

// What the C library says for "there is none"; everything else is a failure to know.
bool means_absent(int code) { return code == 0 || code == ENOENT || code == ESRCH; }

// Calls one of the getXXnam_r family with a buffer that grows until the record fits.
template <class Record, class Call>
Result<Found> find_record(const std::string& key, Call call, std::string (*format)(const Record&)) {
  std::string buffer(4096, '\0');
  for (;;) {
    Record record{};
    Record* found = nullptr;
    const int code = call(key.c_str(), &record, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return Found(format(record));
    if (code == ERANGE && buffer.size() < record_limit) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (means_absent(code)) return Found{};
    return base::Failure(base::Error::system("user database lookup", code));
  }
}

std::string passwd_line(const passwd& user) {
  return fmt::format("{}:{}:{}:{}:{}:{}:{}", user.pw_name, user.pw_passwd, user.pw_uid, user.pw_gid, user.pw_gecos, user.pw_dir,
                     user.pw_shell);
}

std::string group_line(const group& entry) {
  std::string line = fmt::format("{}:{}:{}:", entry.gr_name, entry.gr_passwd, entry.gr_gid);
  for (char** member = entry.gr_mem; *member != nullptr; ++member) {
    if (member != entry.gr_mem) line += ',';
    line += *member;
  }
  return line;
}

enum class Database { passwd, group };

// NSS may ask a network service, so it runs on the offload pool.
class UnixTable final : public Table {
 public:
  UnixTable(std::string name, Database database) : Table(std::move(name)), database_(database) {}
  Result<Found> lookup(std::string_view key) override {
    const std::string name(key);
    if (name.contains('\0')) return Found{};
    return event::blocking([&]() -> Result<Found> {
      switch (database_) {
        case Database::passwd: return find_record<passwd>(name, &::getpwnam_r, &passwd_line);
        case Database::group: return find_record<group>(name, &::getgrnam_r, &group_line);
      }
      return Found{};
    });
  }

 private:
  Database database_;
};

}  // namespace

OpenResult open_unix(const OpenRequest& request) {
  if (request.name == "passwd.byname") return std::make_shared<UnixTable>(request.full_name(), Database::passwd);
  if (request.name == "group.byname") return std::make_shared<UnixTable>(request.full_name(), Database::group);
  return base::fail(fmt::format("unknown table: {}", request.full_name()));
}

}  // namespace maps
