#include "lib/maps/berkeley_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include <sys/stat.h>
#include <unistd.h>

namespace maps {
namespace {

// Offsets in the metadata page (page 0) and in every other page's header; all numbers in the machine's byte order.
constexpr std::size_t meta_size = 512;
constexpr std::size_t meta_magic_at = 12, meta_page_size_at = 20, meta_flags_at = 26, meta_last_page_at = 32;
constexpr std::size_t page_number_at = 8, page_previous_at = 12, page_next_at = 16, page_entries_at = 20, page_free_at = 22,
                      page_type_at = 25, page_header_size = 26;
constexpr std::uint32_t hash_magic = 0x061561, btree_magic = 0x053162;
constexpr unsigned char meta_has_checksums = 0x01;
constexpr std::uint32_t page_size_min = 512, page_size_max = 65536;

enum PageType : unsigned char {
  unused = 0,
  hash_unsorted = 2,
  btree_internal = 3,
  btree_leaf = 5,
  overflow = 7,
  hash_meta = 8,
  btree_meta = 9,
  duplicates_leaf = 12,
  hash_page = 13,
};

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

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

Result<void> read_fully(int fd, std::string& into, off_t at) {
  std::size_t have = 0;
  while (have < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + have, into.size() - have, at + static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::fail_system("read");
    if (got == 0) return base::fail("file is truncated", EINVAL);
    have += static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace

Result<void> check_berkeley_file(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return base::fail_system("fstat");
  std::string meta(meta_size, '\0');
  TRY(read_fully(fd, meta, 0));
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
    TRY(read_fully(fd, page, static_cast<off_t>(number) * page_size));
    if (!page_holds(page, number, last)) return base::fail(fmt::format("page {} is damaged", number), EINVAL);
  }
  return {};
}

}  // namespace maps
