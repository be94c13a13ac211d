#pragma once
// For tests of lib/store and above: an account in a directory that is there for one test.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "lib/store/account.h"
#include "lib/store/folder.h"
#include "lib/testing/temporary_directory.h"

namespace store {

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

class TestAccount {
 public:
  explicit TestAccount(const std::string& more = "", const std::string& kind = "maildir") : location_(kind + ":" + directory_.path() + "mail" + more) {}
  [[nodiscard]] std::string root() const { return directory_.path() + "mail/"; }
  [[nodiscard]] std::string home() const { return directory_.path(); }
  [[nodiscard]] Location location() const { return *Location::parse(location_, {"alice", directory_.path().substr(0, directory_.path().size() - 1)}); }
  AccountOptions options;
  [[nodiscard]] std::unique_ptr<Account> open() const {
    AccountOptions own = options;
    own.host = "host.test";
    return std::move(*Account::open(location(), own));
  }

 private:
  testing::TemporaryDirectory directory_;
  std::string location_;
};

inline std::vector<Uid> uids_of(const Mailbox& mailbox) {
  std::vector<Uid> uids;
  for (const Entry& entry : mailbox.entries()) uids.push_back(entry.uid);
  return uids;
}

inline std::vector<std::string> files_in(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

inline Uid append_one(Mailbox& mailbox, std::string_view text, Flags flags = {}) {
  auto append = std::move(*mailbox.append());
  if (!append->begin(flags, std::nullopt) || !append->write(text)) return 0;
  const auto uids = append->commit();
  return uids ? uids->at(0) : 0;
}

inline std::unique_ptr<Mailbox> inbox(Account& account, Access access = Access::read_write) {
  auto opened = account.open("INBOX", access);
  if (!opened) throw std::runtime_error(opened.error().message());
  return std::move(*opened);
}

}  // namespace store
