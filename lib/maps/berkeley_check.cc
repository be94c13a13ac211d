#include "lib/maps/berkeley_check.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include <sys/stat.h>

#include "lib/maps/berkeley_page.h"

namespace maps::berkeley {
namespace {

// The entries' offsets lie between the end of the table of offsets and the end of the page. In a hash page they fall,
// since each item is put in front of the one before it; in a leaf they may come in any order.
bool offsets_hold(std::string_view page, bool falling) {
  const std::size_t entries = number_at<std::uint16_t>(page, page_entries_at);
  const std::size_t free = number_at<std::uint16_t>(page, page_free_at);
  const std::size_t table_end = page_header_size + entries * sizeof(std::uint16_t);
  if (table_end > page.size()) return false;
  std::size_t lowest = page.size();
  std::size_t previous = page.size();
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t offset = number_at<std::uint16_t>(page, page_header_size + i * sizeof(std::uint16_t));
    if (offset < table_end || offset >= page.size()) return false;
    if (falling && offset >= previous) return false;
    previous = offset;
    lowest = std::min(lowest, offset);
  }
  // A page of 64 KiB cannot write its own size into 16 bits.
  return free == lowest || (page.size() == page_size_max && lowest == page_size_max && free == 0);
}

bool page_holds(std::string_view page, std::uint32_t number, std::uint32_t last) {
  if (std::ranges::all_of(page.substr(0, page_header_size), [](char c) { return c == '\0'; })) return true;  // never used
  if (number_at<std::uint32_t>(page, page_number_at) != number) return false;
  switch (static_cast<unsigned char>(page[page_type_at])) {
    case unused:
    case overflow:
    case hash_meta:
    case btree_meta: return true;
    case hash_unsorted:
    case hash_page:
      return number_at<std::uint32_t>(page, page_previous_at) <= last && number_at<std::uint32_t>(page, page_next_at) <= last &&
             offsets_hold(page, true);
    case btree_internal:
    case btree_leaf:
    case duplicates_leaf:
      return number_at<std::uint32_t>(page, page_previous_at) <= last && number_at<std::uint32_t>(page, page_next_at) <= last &&
             offsets_hold(page, false);
    default: return false;
  }
}

}  // namespace

Result<void> check_file(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return base::fail_system("fstat");
  std::string meta(meta_size, '\0');
  TRY(read_at(fd, meta, 0));
  const auto magic = number_at<std::uint32_t>(meta, meta_magic_at);
  const auto page_size = number_at<std::uint32_t>(meta, meta_page_size_at);
  const auto last = number_at<std::uint32_t>(meta, meta_last_page_at);
  // Other byte orders and formats are the library's business.
  if (magic != hash_magic && magic != btree_magic) return {};
  if (page_size < page_size_min || page_size > page_size_max) return base::fail("bad page size", EINVAL);
  if (status.st_size < static_cast<off_t>(last + 1ULL) * page_size) return base::fail("file is truncated", EINVAL);
  if ((static_cast<unsigned char>(meta[meta_flags_at]) & meta_has_checksums) != 0) return {};
  std::string page(page_size, '\0');
  for (std::uint32_t number = 1; number <= last; ++number) {
    TRY(read_at(fd, page, std::uint64_t{number} * page_size));
    if (!page_holds(page, number, last)) return base::fail(fmt::format("page {} is damaged", number), EINVAL);
  }
  return {};
}

}  // namespace maps::berkeley
