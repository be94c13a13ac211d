#include "lib/io/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace io {
namespace {

constexpr std::size_t chunk_size = 64 * 1024;

// The temporary file of a replacement; gone again unless it was renamed.
class Temporary {
 public:
  static Result<Temporary> beside(const std::string& path) {
    std::string name = path + ".XXXXXX";
    Fd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) return base::fail_system("create temporary file for " + path);
    return Temporary(std::move(name), std::move(fd));
  }
  Temporary(Temporary&&) noexcept = default;
  Temporary& operator=(Temporary&&) = delete;
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (file_) ::unlink(name_.c_str());
  }
  [[nodiscard]] const Fd& file() const { return file_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  Result<void> rename_to(const std::string& path) && {
    if (::rename(name_.c_str(), path.c_str()) != 0) return base::fail_system("rename " + name_ + " to " + path);
    return file_.close();
  }

 private:
  Temporary(std::string name, Fd file) : name_(std::move(name)), file_(std::move(file)) {}
  std::string name_;
  Fd file_;
};

Result<void> sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const Fd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return base::fail_system("fsync " + directory);
  return {};
}

}  // namespace

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return base::fail_system("open " + path);
  return fd;
}

Result<std::string> read_all(const Fd& file, const std::string& path, std::size_t limit) {
  std::string content;
  for (;;) {
    const std::size_t had = content.size();
    // One byte more than the limit tells a file that is too long from one that just fits.
    const std::size_t want = std::min(chunk_size, limit + 1 - had);
    content.resize(had + want);
    const ssize_t got = ::read(file.get(), content.data() + had, want);
    if (got < 0 && errno != EINTR) return base::fail_system("read " + path);
    content.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return content;
    if (content.size() > limit) return base::Failure(base::Error::system("read " + path, EFBIG));
  }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  return read_all(TRY(open_file(path, O_RDONLY)), path, limit);
}

Result<void> write_all(const Fd& file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(file.get(), bytes.data(), bytes.size());
    if (sent < 0 && errno != EINTR) return base::fail_system("write " + path);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<void> replace_file(const std::string& path, std::string_view bytes, mode_t mode) {
  Temporary temporary = TRY(Temporary::beside(path));
  TRY(write_all(temporary.file(), temporary.name(), bytes));
  if (::fchmod(temporary.file().get(), mode) != 0) return base::fail_system("chmod " + temporary.name());
  if (::fsync(temporary.file().get()) != 0) return base::fail_system("fsync " + temporary.name());
  TRY(std::move(temporary).rename_to(path));
  return sync_directory_of(path);
}

}  // namespace io
