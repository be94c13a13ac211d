#include "lib/store/quota.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/store/file_name.h"
#include "lib/store/folder.h"

namespace store {
namespace {

constexpr const char* size_file = "maildirsize";
constexpr std::size_t size_file_max = 5120;             // of the Maildir++ specification
constexpr std::size_t size_file_read_max = 64 * 1024;   // what others have let grow
constexpr std::int64_t over_quota_recount_after = 900;  // seconds, likewise
constexpr std::size_t pause_every = 4096;               // files

struct SizeFile {
  QuotaLimit limit;
  std::optional<QuotaUse> use;  // none: it does not add up, or is too long
  std::int64_t lines = 0;
  std::int64_t age = 0;         // seconds since it was written last
};

std::optional<std::int64_t> signed_number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto value = ascii::parse_number(text, INT64_MAX / 4);
  if (!value) return std::nullopt;
  return is_negative ? -static_cast<std::int64_t>(*value) : static_cast<std::int64_t>(*value);
}

// "10000S,10C"; a limit that is given as 0 is none.
std::optional<QuotaLimit> parse_first_line(std::string_view line) {
  QuotaLimit limit;
  for (const std::string_view word : ascii::split(line, ", ")) {
    const auto value = ascii::parse_number(word.substr(0, word.size() - 1), INT64_MAX / 4);
    if (!value) return std::nullopt;
    if (word.back() == 'S') limit.bytes = static_cast<std::int64_t>(*value);
    else if (word.back() == 'C') limit.messages = static_cast<std::int64_t>(*value);
    else return std::nullopt;
  }
  return limit;
}

std::optional<QuotaUse> add_up(std::string_view changes) {
  QuotaUse use;
  for (const std::string_view line : ascii::split(changes, "\n")) {
    const auto words = ascii::split(line, " ");
    const auto bytes = words.size() == 2 ? signed_number(words[0]) : std::nullopt;
    const auto count = words.size() == 2 ? signed_number(words[1]) : std::nullopt;
    if (!bytes || !count || std::abs(use.bytes) > INT64_MAX / 4 || std::abs(use.messages) > INT64_MAX / 4) return std::nullopt;
    use.bytes += *bytes;
    use.messages += *count;
  }
  return use.bytes < 0 || use.messages < 0 ? std::nullopt : std::optional(use);
}

// None: it has no limit in its first line, and is no such file.
std::optional<SizeFile> parse(std::string_view text) {
  const std::size_t end = text.find('\n');
  const auto limit = parse_first_line(text.substr(0, end));
  if (!limit || end == std::string_view::npos) return std::nullopt;
  SizeFile file{.limit = *limit, .use = std::nullopt};
  file.lines = std::ranges::count(text, '\n') - 1;
  if (text.size() <= size_file_max && text.ends_with('\n')) file.use = add_up(text.substr(end));
  return file;
}

bool is_over(const QuotaLimit& limit, const QuotaUse& use) {
  return (limit.bytes > 0 && use.bytes > limit.bytes) || (limit.messages > 0 && use.messages > limit.messages);
}

// Adds up one of cur/ and new/.
void count_directory(int parent, const std::string& path, QuotaUse& use, const std::function<void()>& yield) {
  const int fd = ::openat(parent, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* const directory = fd < 0 ? nullptr : ::fdopendir(fd);
  if (directory == nullptr) {
    if (fd >= 0) ::close(fd);
    return;
  }
  std::size_t seen = 0;
  while (const dirent* const entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    if (yield && ++seen % pause_every == 0) yield();
    const FileName name = FileName::split(entry->d_name);
    struct stat status {};
    if (const auto size = name.size()) {
      use.bytes += static_cast<std::int64_t>(*size);
    } else if (::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
      use.bytes += status.st_size;
    }
    ++use.messages;
  }
  ::closedir(directory);
}

}  // namespace

namespace {

// "10M", in units of `unit`.
std::optional<std::int64_t> parse_amount(std::string_view word, std::int64_t unit) {
  for (const auto& [suffix, power] : {std::pair{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}}) {
    if (word.empty() || ascii::to_upper(word.back()) != suffix) continue;
    unit = std::int64_t{1} << power;
    word.remove_suffix(1);
    break;
  }
  const auto value = ascii::parse_number(word, static_cast<std::uint64_t>(INT64_MAX / 4 / unit));
  return value ? std::optional(static_cast<std::int64_t>(*value) * unit) : std::nullopt;
}

// A word of "*:storage=1G:messages=1000", or of "10M,1000C".
bool parse_word(std::string_view word, QuotaLimit& limit) {
  struct Row { std::string_view name; std::int64_t QuotaLimit::*member; std::int64_t unit; };
  constexpr std::array names{Row{"storage=", &QuotaLimit::bytes, 1024}, Row{"bytes=", &QuotaLimit::bytes, 1}, Row{"messages=", &QuotaLimit::messages, 1}};
  const auto named = std::ranges::find_if(names, [&](const Row& row) { return word.starts_with(row.name); });
  Row row = named != names.end() ? *named : Row{"", word.ends_with('C') ? &QuotaLimit::messages : &QuotaLimit::bytes, 1};
  word.remove_prefix(row.name.size());
  if (row.name.empty() && (word.ends_with('C') || word.ends_with('S'))) word.remove_suffix(1);
  const auto value = parse_amount(word, row.unit);
  if (value) limit.*row.member = *value;
  return value.has_value();
}

}  // namespace

Result<QuotaLimit> QuotaLimit::parse(std::string_view text) {
  QuotaLimit limit;
  const std::string_view whole_account = "*:";
  const bool is_rule = text.starts_with(whole_account);
  for (const std::string_view word : ascii::split(is_rule ? text.substr(whole_account.size()) : text, is_rule ? ":" : ", ")) {
    if (!parse_word(word, limit)) return base::fail("\"" + std::string(text) + "\" is no quota", EINVAL);
  }
  return limit;
}

std::string QuotaLimit::text() const {
  std::string out;
  if (bytes > 0) out += fmt::format("{}S", bytes);
  if (messages > 0) out += fmt::format("{}{}C", out.empty() ? "" : ",", messages);
  return out.empty() ? "0S" : out;
}

bool Quota::is_kept() const {
  if (root_.empty()) return false;
  struct stat status {};
  return (limit_ && limit_->is_set()) || ::lstat((root_ + "/" + size_file).c_str(), &status) == 0;
}

namespace {

std::optional<SizeFile> read_size_file(const std::string& root) {
  const auto directory = open_directory({root, {}});
  if (!directory) return std::nullopt;
  const auto text = read_in(*directory, size_file, size_file_read_max);
  if (!text || !*text) return std::nullopt;
  auto file = parse(**text);
  if (file) file->age = ::time(nullptr) - mark_in(*directory, size_file).seconds;
  return file;
}

// What was given, or what the file says.
QuotaLimit limit_by(const std::optional<QuotaLimit>& given, const std::optional<SizeFile>& file) {
  return given ? *given : file ? file->limit : QuotaLimit{};
}

}  // namespace

Result<QuotaState> Quota::state() {
  if (root_.empty()) return QuotaState{};
  const auto file = read_size_file(root_);
  const QuotaLimit limit = limit_by(limit_, file);
  if (file && file->use && file->limit == limit) return QuotaState{limit, *file->use};
  if (!file && !limit.is_set()) return QuotaState{};
  return QuotaState{limit, TRY(recount())};
}

Result<void> Quota::check(std::int64_t bytes, std::int64_t messages) {
  if (root_.empty()) return {};
  const auto file = read_size_file(root_);
  const QuotaLimit limit = limit_by(limit_, file);
  if (!limit.is_set()) return {};
  const auto would_be = [&](const QuotaUse& use) { return QuotaUse{use.bytes + bytes, use.messages + messages}; };
  const bool is_ours = file && file->use && file->limit == limit;
  if (is_ours && !is_over(limit, would_be(*file->use))) return {};
  // A sum of many lines, or an old one, may be wrong: mail is not refused because of that.
  if (!is_ours || file->lines > 1 || file->age > over_quota_recount_after) {
    const QuotaUse counted = TRY(recount());
    if (!is_over(limit, would_be(counted))) return {};
  }
  return base::Failure(base::Error::system("quota", EDQUOT));
}

Result<void> Quota::note(std::int64_t bytes, std::int64_t messages) {
  if (!is_kept()) return {};
  const Fd root = TRY(open_directory({root_, {}}));
  const auto file = open_in(root, size_file, O_WRONLY | O_APPEND);
  if (!file && file.error().code() == ENOENT) return count_again();
  if (!file) return base::Failure(file.error());
  const std::string line = fmt::format("{} {}\n", bytes, messages);
  TRY(write_fully(*file, line, size_file));
  // Full: its use is written as one line.
  if (mark_of(*file).size > size_file_max) return count_again();
  return {};
}

Result<void> Quota::count_again() {
  static_cast<void>(TRY(recount()));
  return {};
}

Result<QuotaUse> Quota::recount() {
  const Fd root = TRY(open_directory({root_, {}}));
  const auto before = read_size_file(root_);
  QuotaUse use;
  for (const char* part : {"cur", "new"}) count_directory(root.get(), part, use, yield_);
  const int fd = ::openat(root.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const directory = fd < 0 ? nullptr : ::fdopendir(fd);
  if (directory == nullptr) return base::fail_system("read " + root_);
  while (const dirent* const entry = ::readdir(directory)) {
    // Maildir++'s folders, and those of LAYOUT=fs one level deep; what ".." begins is on its way out.
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || name.starts_with("..") || name == "cur" || name == "new" || name == "tmp") continue;
    for (const char* part : {"/cur", "/new"}) count_directory(root.get(), name + part, use, yield_);
  }
  ::closedir(directory);
  const QuotaLimit limit = limit_by(limit_, before);
  if (!is_kept()) return use;
  TRY(replace_in(root, size_file, fmt::format("{}\n{} {}\n", limit.text(), use.bytes, use.messages), Durable::no));
  return use;
}

}  // namespace store
