#include "lib/maps/checked.h"

#include <memory>

#include <fmt/core.h>
#include <unicode/ucasemap.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/log/log.h"

namespace maps {
namespace {

constexpr std::string_view malformed = "malformed UTF-8 or invalid codepoint";

class CheckedTable final : public Table {
 public:
  CheckedTable(std::shared_ptr<Table> table, Flags flags)
      : Table(table->name()), table_(std::move(table)), flags_(flags), fold_(has(flags, Flags::fold_keys) && table_->has_fixed_keys()) {}

  Result<Found> lookup(std::string_view key) override {
    if (!accepts(key)) return Found{};
    Found value = TRY(fold_ ? table_->lookup(fold_key(key, is_utf8())) : table_->lookup(key));
    if (value && is_utf8() && !base::is_utf8(*value)) {
      maillog::warning("{}: key \"{}\": non-UTF-8 value \"{}\": {}", name(), key, *value, malformed);
      return base::fail(fmt::format("non-UTF-8 value \"{}\"", *value));
    }
    return value;
  }
  [[nodiscard]] bool has_fixed_keys() const override { return table_->has_fixed_keys(); }
  Result<void> ready() override { return table_->ready(); }
  Result<void> each(const Visitor& visit) override { return table_->each(visit); }
  Result<void> put(std::string_view key, std::string_view value) override {
    if (!accepts(key)) return base::fail(fmt::format("non-UTF-8 key \"{}\"", key));
    return table_->put(fold_ ? fold_key(key, is_utf8()) : std::string(key), value);
  }
  Result<bool> erase(std::string_view key) override {
    if (!accepts(key)) return false;
    return table_->erase(fold_ ? fold_key(key, is_utf8()) : std::string(key));
  }
  // Keys as walk() gives them.
  Result<void> erase_all(std::span<const std::string> keys) override { return table_->erase_all(keys); }
  Result<bool> walk(std::string_view after, std::size_t limit, const Visitor& visit) override { return table_->walk(after, limit, visit); }

 private:
  [[nodiscard]] bool is_utf8() const { return has(flags_, Flags::utf8); }
  [[nodiscard]] bool accepts(std::string_view key) const {
    if (!is_utf8() || base::is_utf8(key)) return true;
    maillog::warning("{}: non-UTF-8 key \"{}\": {}", name(), key, malformed);
    return false;
  }

  std::shared_ptr<Table> table_;
  Flags flags_;
  bool fold_;
};

}  // namespace

std::string fold_key(std::string_view text, bool utf8) {
  if (!utf8 || ascii::is_ascii(text)) return ascii::lowercase(text);
  // One map for the process: it is read-only after it is made.
  static const std::unique_ptr<UCaseMap, void (*)(UCaseMap*)> map = [] {
    UErrorCode error = U_ZERO_ERROR;
    return std::unique_ptr<UCaseMap, void (*)(UCaseMap*)>(::ucasemap_open("", U_FOLD_CASE_DEFAULT, &error), &::ucasemap_close);
  }();
  // Folding lengthens UTF-8 at most threefold (one code unit to three characters).
  std::string folded(text.size() * 3 + 1, '\0');
  UErrorCode error = U_ZERO_ERROR;
  const std::int32_t size = ::ucasemap_utf8FoldCase(map.get(), folded.data(), static_cast<std::int32_t>(folded.size()),
                                                    text.data(), static_cast<std::int32_t>(text.size()), &error);
  if (U_FAILURE(error) != 0) return ascii::lowercase(text);
  folded.resize(static_cast<std::size_t>(size));
  return folded;
}

std::shared_ptr<Table> make_checked(std::shared_ptr<Table> table, Flags flags) {
  return std::make_shared<CheckedTable>(std::move(table), flags);
}

}  // namespace maps
