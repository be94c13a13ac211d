// Sources that keep a password or a hash of it for each user: /etc/shadow, a file of users, a table.

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <shadow.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/maps/table.h"
#include "services/authd/passdb.h"
#include "services/authd/passwd_source.h"

namespace authd {
namespace {

// What all of them do with what they have found. A hash that cannot be used is told without its text.
class StoredSource : public PasswordSource {
 public:
  explicit StoredSource(std::string name) : name_(std::move(name)) {}

  Result<Verdict> check(const std::string& user, const std::string& password, const Asker& asker) final {
    const auto found = TRY(stored(user, asker));
    if (!found) return Verdict::unknown_user;
    auto is_right = found->is_quick() ? found->verify(password) : event::blocking([&] { return found->verify(password); });
    if (!is_right) return base::Failure(std::move(is_right).error().within(fmt::format("{}: user {}", name_, ascii::printable(user))));
    return *is_right ? Verdict::right : Verdict::wrong;
  }

 protected:
  [[nodiscard]] Result<std::optional<auth::StoredPassword>> parse(const std::string& user, std::string_view text) const {
    // No password is none that anybody has.
    if (text.empty()) return std::nullopt;
    auto password = auth::StoredPassword::parse(text);
    if (!password) return base::Failure(std::move(password).error().within(fmt::format("{}: user {}", name_, ascii::printable(user))));
    return std::optional(std::move(*password));
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

class Shadow final : public StoredSource {
 public:
  Shadow() : StoredSource("shadow") {}

  Result<std::optional<auth::StoredPassword>> stored(const std::string& user, const Asker&) override {
    std::string hash;
    const int code = event::blocking([&] {
      std::array<char, 4096> buffer{};
      spwd entry{};
      spwd* found = nullptr;
      const int status = ::getspnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
      if (found == nullptr) return status == ENOENT || status == ESRCH ? 0 : status;
      const long today = static_cast<long>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) / (24 * 60 * 60));
      const bool is_over = entry.sp_expire >= 0 && entry.sp_expire <= today;
      if (!is_over) hash = entry.sp_pwdp;
      return 0;
    });
    if (code != 0) return base::Failure(base::Error::system("/etc/shadow", code));
    return parse(user, hash);
  }
};

class FileSource final : public StoredSource {
 public:
  explicit FileSource(const std::string& path) : StoredSource("passwd-file:" + path), file_(path) {}

  Result<std::optional<auth::StoredPassword>> stored(const std::string& user, const Asker& asker) override {
    TRY(file_.refresh());
    const PasswdEntry* const entry = file_.find(user);
    if (entry == nullptr || !entry->lets_in(asker.client_address)) return std::nullopt;
    return parse(user, entry->password);
  }
  bool serves(Needs needs) const override {
    switch (needs) {
      case Needs::check: break;
      case Needs::plain: return file_.has_plain();
      case Needs::secret: return file_.has_plain() || file_.has_secret();
      case Needs::token: return false;
    }
    return true;
  }
  [[nodiscard]] Result<void> refresh() { return file_.refresh(); }

 private:
  PasswdFileOnDisk file_;
};

class MapSource final : public StoredSource {
 public:
  MapSource(std::string name, std::unique_ptr<maps::Tables> tables, std::shared_ptr<maps::Table> table)
      : StoredSource(std::move(name)), tables_(std::move(tables)), table_(std::move(table)) {}

  Result<std::optional<auth::StoredPassword>> stored(const std::string& user, const Asker&) override {
    const maps::Found found = TRY(table_->lookup(user));
    if (!found) return std::nullopt;
    return parse(user, *found);
  }
  bool serves(Needs needs) const override { return needs != Needs::token; }

 private:
  std::unique_ptr<maps::Tables> tables_;   // outlives what was opened in it
  std::shared_ptr<maps::Table> table_;
};

}  // namespace

std::unique_ptr<PasswordSource> make_shadow() { return std::make_unique<Shadow>(); }

Result<std::unique_ptr<PasswordSource>> make_passwd_file(const std::string& path) {
  auto source = std::make_unique<FileSource>(path);
  // Now, since it tells which mechanisms there are.
  TRY(source->refresh());
  return source;
}

Result<std::unique_ptr<PasswordSource>> make_map(server::Startup& startup, const std::string& type_and_table) {
  auto tables = std::make_unique<maps::Tables>(startup.table_options());
  auto table = TRY(tables->open(type_and_table, maps::Flags::no_substitution | maps::Flags::no_anybody));
  return std::make_unique<MapSource>("map:" + type_and_table, std::move(tables), std::move(table));
}

}  // namespace authd
