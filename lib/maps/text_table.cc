#include "lib/maps/text_table.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/maps/list.h"

namespace maps {
namespace {

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

// "{ {rule}, {rule} }" as lines.
Result<std::string> inline_text(std::string_view name) {
  const std::string_view inner = TRY(without_braces(name));
  std::string text;
  for (const std::string_view item : split_list(inner)) {
    if (!item.starts_with('{')) return base::fail(fmt::format("expecting {{rule}} instead of \"{}\"", item));
    text += TRY(without_braces(item));
    text += '\n';
  }
  return text;
}

class TextTable final : public Table {
 public:
  TextTable(std::string name, std::string path, const TextTableOptions& options, CompileRules compile)
      : Table(std::move(name)), path_(std::move(path)), options_(options), compile_(std::move(compile)) {}
  TextTable(std::string name, std::unique_ptr<Rules> rules, const TextTableOptions& options)
      : Table(std::move(name)), options_(options), rules_(std::move(rules)) {}

  Result<Found> lookup(std::string_view key) override {
    TRY(refresh());
    return rules_->find(key);
  }
  [[nodiscard]] bool has_fixed_keys() const override { return options_.fixed_keys; }
  Result<void> ready() override { return refresh(); }
  Result<void> each(const Visitor& visit) override {
    TRY(refresh());
    return rules_->each(visit);
  }

 private:
  // After a chroot the file may be out of sight: what was read before then stays.
  Result<void> refresh() {
    if (path_.empty()) return {};
    const auto now = stamp_of(path_);
    if (rules_ && (!now || now == stamp_)) return {};
    auto loaded = load();
    if (!loaded && !rules_) return base::Failure(std::move(loaded).error());
    return {};
  }

  Result<void> load() {
    const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return base::fail_system(fmt::format("{} {}", options_.open_context, path_));
    const FileStamp stamp = TRY(stamp_of(file.get()));
    auto text = read_text_file(file.get(), text_size_limit);
    if (!text) return base::Failure(std::move(text).error().within(fmt::format("read {}", path_)));
    rules_ = compile_(*text, path_);
    stamp_ = stamp;
    return {};
  }

  std::string path_;
  TextTableOptions options_;
  CompileRules compile_;
  std::unique_ptr<Rules> rules_;
  std::optional<FileStamp> stamp_;
};

}  // namespace

FileStamp::FileStamp(const struct stat& status)
    : device(status.st_dev),
      inode(status.st_ino),
      size(status.st_size),
      modified_ns(nanoseconds(status.st_mtim)) {}

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileStamp(status);
}

Result<FileStamp> stamp_of(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return base::fail_system("fstat");
  return FileStamp(status);
}

Result<std::string> read_text_file(int fd, std::size_t limit) {
  std::string text;
  for (;;) {
    constexpr std::size_t block = 64 * 1024;
    const std::size_t size = text.size();
    if (size > limit) return base::fail("file is too large", EFBIG);
    text.resize(size + block);
    const ssize_t got = ::read(fd, text.data() + size, block);
    if (got < 0 && errno == EINTR) {
      text.resize(size);
      continue;
    }
    if (got < 0) return base::fail_system("read");
    text.resize(size + static_cast<std::size_t>(got));
    if (got == 0) return text;
  }
}

OpenResult make_text_table(const OpenRequest& request, const TextTableOptions& options, CompileRules compile) {
  if (options.may_be_inline && request.name.starts_with('{')) {
    auto text = inline_text(request.name);
    if (!text) return base::fail(fmt::format("bad {} syntax: {}", request.full_name(), text.error().message()));
    return std::make_shared<TextTable>(request.full_name(), compile(*text, request.name), options);
  }
  request.tables.reads_file(request.path(), Rereads::when_changed);
  auto table = std::make_shared<TextTable>(request.full_name(), request.path(), options, std::move(compile));
  static_cast<void>(table->ready());  // now, before a chroot hides the file; a failure is told by each lookup
  return table;
}

}  // namespace maps
