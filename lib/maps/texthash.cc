// texthash:FILE: the source of a hash table, read into memory at start.

#include "lib/log/log.h"
#include "lib/maps/checked.h"
#include "lib/maps/memory.h"
#include "lib/maps/source.h"
#include "lib/maps/text_table.h"

namespace maps {
namespace {

class TextHashRules final : public Rules {
 public:
  explicit TextHashRules(Entries entries) : entries_(std::move(entries)) {}
  [[nodiscard]] Found find(std::string_view key) const override { return find_entry(entries_, key); }
  [[nodiscard]] Result<void> each(const Table::Visitor& visit) const override {
    for (const auto& [key, value] : entries_) visit(key, value);
    return {};
  }

 private:
  Entries entries_;
};

std::unique_ptr<Rules> compile(Flags flags, std::string_view text, std::string_view file) {
  const bool utf8 = has(flags, Flags::utf8);
  Entries entries;
  MapSource source(text, file, {.utf8 = utf8, .after_bad_format = " -- ignoring this line"});
  while (const auto entry = source.next()) {
    std::string key = has(flags, Flags::fold_keys) ? fold_key(entry->key, utf8) : std::string(entry->key);
    const auto [at, is_new] = entries.emplace(std::move(key), entry->value);
    if (!is_new) maillog::warning("{}, line {}: duplicate entry: \"{}\"", file, entry->line, at->first);
  }
  return std::make_unique<TextHashRules>(std::move(entries));
}

}  // namespace

OpenResult open_texthash(const OpenRequest& request) {
  return make_text_table(request, {.fixed_keys = true, .may_be_inline = false, .open_context = "open database"},
                         [flags = request.flags](std::string_view text, std::string_view file) { return compile(flags, text, file); });
}

}  // namespace maps
