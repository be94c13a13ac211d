#include "services/authd/passwd_source.h"

#include "lib/event/offload.h"
#include "lib/io/file.h"

namespace authd {

Result<void> PasswdFileOnDisk::refresh() {
  const std::string name = "passwd-file:" + path_;
  struct stat now{};
  if (::stat(path_.c_str(), &now) != 0) return base::fail_system(name);
  const bool is_same = file_ && now.st_ino == seen_.st_ino && now.st_size == seen_.st_size &&
                       now.st_mtim.tv_sec == seen_.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec;
  if (is_same) return {};
  if (static_cast<std::size_t>(now.st_size) > passwd_file_limit) return base::fail(name + " is too big");
  const std::string text = TRY(event::blocking([&] { return io::read_file(path_, passwd_file_limit); }));
  auto file = PasswdFile::parse(text);
  if (!file) return base::Failure(std::move(file).error().within(name));
  file_ = std::move(*file);
  seen_ = now;
  return {};
}

}  // namespace authd
