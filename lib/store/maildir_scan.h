#pragma once
// The files of a Maildir's cur/ and new/, as they are at one moment.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/store/folder.h"

namespace store {

inline constexpr std::size_t messages_max = 20'000'000;  // of a mailbox

struct ScannedFile {
  std::uint32_t name = 0;       // offset in MaildirScan::names
  std::uint8_t name_size = 0, base_size = 0;
  bool in_new = false;
  bool taken = false;           // has a UID
};

class MaildirScan {
 public:
  // Lists both until neither changes meanwhile (a directory that is renamed in while it is read may show a file twice or not
  // at all), or some tries are over. `marks` are of before the last one.
  [[nodiscard]] static Result<MaildirScan> read(const Fd& cur, const Fd& fresh, const std::function<void()>& pause);

  // Lists only new/; what is in cur/ is added by the caller, who knows it, before finish().
  [[nodiscard]] static Result<MaildirScan> read_new(const Fd& cur, const Fd& fresh);
  void add(std::string_view file_name, std::size_t base_size, bool in_new);
  void finish() { build_table(); }

  // How many files are in it.
  [[nodiscard]] static std::size_t count(const Fd& directory);

  std::vector<ScannedFile> files;
  std::string names;
  FileMark cur_mark, new_mark;
  bool steady = true;  // false: it changed all the time; what is missing may be there

  [[nodiscard]] std::string_view name(const ScannedFile& file) const { return std::string_view(names).substr(file.name, file.name_size); }
  [[nodiscard]] std::string_view base(const ScannedFile& file) const { return std::string_view(names).substr(file.name, file.base_size); }
  // By the part that does not change. Of two files with one base, the first.
  [[nodiscard]] ScannedFile* find(std::string_view base_name);
  // Bases of files without a UID, in the order of arrival.
  [[nodiscard]] std::vector<std::string_view> untaken();
  // Files with the base of another.
  std::vector<std::uint32_t> doubles;

 private:
  Result<void> list(const Fd& directory, bool in_new);
  void build_table();
  std::vector<std::uint32_t> table_;  // open addressing: index + 1, 0 is free
};

}  // namespace store
