// An index whose format a module knows (lmdb, cdb).

#include "lib/maps/index_table.h"
#include "lib/maps/module.h"
#include "lib/maps/store_table.h"

namespace maps {
namespace {

class ModuleFile {
 public:
  explicit ModuleFile(std::unique_ptr<module::IndexReader> reader) : reader_(std::move(reader)) {}
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) { return reader_->get(key); }
  [[nodiscard]] Result<void> each(const Table::Visitor& visit) { return reader_->each(visit); }

 private:
  std::unique_ptr<module::IndexReader> reader_;
};

struct ModuleFormat {
  using File = ModuleFile;
  const module::IndexFormat& format;
  [[nodiscard]] std::string_view suffix() const { return format.suffix; }
  [[nodiscard]] Result<File> open(int fd, const std::string& path) const { return ModuleFile(TRY(format.open(fd, path))); }
};

}  // namespace

OpenResult open_module_index(const OpenRequest& request, const module::IndexFormat& format) {
  if (request.for_update && format.store == nullptr) return base::fail(std::string(format.no_update));
  if (request.for_update) return StoreTable::open(request, {.suffix = format.suffix, .use = StoreFormat::Use::by_turns, .open = format.store});
  return open_index_table(request, ModuleFormat{format});
}

}  // namespace maps
