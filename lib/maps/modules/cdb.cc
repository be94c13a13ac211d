// cdb:FILE: a constant database, FILE.cdb, in the format of D. J. Bernstein's cdb (tinycdb's library). It is made whole
// and never changed.

#include <memory>

#include <cdb.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/maps/module.h"

namespace maps {
namespace {

Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return base::fail_system(fmt::format("open {}", path));
  return fd;
}

class CdbFile final : public module::IndexReader {
 public:
  static Result<std::unique_ptr<module::IndexReader>> open(int, const std::string& path) {
    auto file = std::make_unique<CdbFile>();
    file->fd_ = TRY(open_file(path, O_RDONLY));
    file->cdb_.reset(std::make_unique<cdb>().release());
    if (::cdb_init(file->cdb_.get(), file->fd_.get()) != 0) return base::fail_system(fmt::format("open database {}", path));
    return file;
  }

  Result<std::optional<std::string>> get(std::string_view key) override {
    const int found = ::cdb_find(cdb_.get(), key.data(), static_cast<unsigned>(key.size()));
    if (found < 0) return base::fail_system("read database");
    if (found == 0) return std::optional<std::string>{};
    return std::optional<std::string>(TRY(bytes(cdb_datapos(cdb_.get()), cdb_datalen(cdb_.get()))));
  }
  Result<void> each(const Visitor& visit) override {
    unsigned position = 0;
    cdb_seqinit(&position, cdb_.get());
    for (;;) {
      const int found = ::cdb_seqnext(&position, cdb_.get());
      if (found < 0) return base::fail_system("read database");
      if (found == 0) return {};
      visit(TRY(bytes(cdb_keypos(cdb_.get()), cdb_keylen(cdb_.get()))), TRY(bytes(cdb_datapos(cdb_.get()), cdb_datalen(cdb_.get()))));
    }
  }

 private:
  struct Free {
    void operator()(cdb* handle) const {
      const std::unique_ptr<cdb> memory(handle);
      ::cdb_free(handle);  // a zeroed one has nothing mapped
    }
  };
  Result<std::string> bytes(unsigned position, unsigned size) {
    const void* const data = ::cdb_get(cdb_.get(), size, position);
    if (data == nullptr) return base::fail_system("read database");
    return std::string(static_cast<const char*>(data), size);
  }

  Fd fd_;
  std::unique_ptr<cdb, Free> cdb_;
};

constexpr std::string_view constant =
    "dict_cdb_open: inappropriate open flags for cdb database - specify O_RDONLY or O_WRONLY|O_CREAT|O_TRUNC";

class CdbIndex final : public IndexFile {
 public:
  static Result<std::unique_ptr<IndexFile>> open(const std::string& path) {
    auto index = std::make_unique<CdbIndex>();
    index->fd_ = TRY(open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600));
    if (::cdb_make_start(&index->make_, index->fd_.get()) != 0) return base::fail_system(fmt::format("write database {}", path));
    index->path_ = path;
    return index;
  }
  Result<bool> put(std::string_view key, std::string_view value, IfPresent what) override {
    const int present = ::cdb_make_put(&make_, key.data(), static_cast<unsigned>(key.size()), value.data(), static_cast<unsigned>(value.size()),
                                       what == IfPresent::keep ? CDB_PUT_INSERT : CDB_PUT_REPLACE);
    if (present < 0) return base::fail_system(fmt::format("write database {}", path_));
    return present == 0 || what == IfPresent::replace;
  }
  Result<bool> erase(std::string_view) override { return base::fail(std::string(constant)); }
  Result<void> commit() override {
    if (::cdb_make_finish(&make_) != 0) return base::fail_system(fmt::format("write database {}", path_));
    return fd_.close();
  }

 private:
  Fd fd_;
  std::string path_;
  cdb_make make_{};
};

Result<std::unique_ptr<IndexFile>> build(const std::string& path, const IndexFile::Options& options) {
  if (options.start == IndexFile::Start::from_copy) return base::fail(std::string(constant));
  return CdbIndex::open(path);
}

constexpr module::IndexFormat format{.suffix = ".cdb", .open = &CdbFile::open, .build = &build, .store = nullptr, .no_update = constant};
constexpr module::Module cdb_module{.index = &format};

}  // namespace
}  // namespace maps

extern "C" const maps::module::Module* valija_table_module();
const maps::module::Module* valija_table_module() { return &maps::cdb_module; }
