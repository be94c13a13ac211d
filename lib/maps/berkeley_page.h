#pragma once
// Where things are in the pages of a Berkeley DB file (5.3, hash version 9, btree version 9). All numbers are in the byte
// order of the machine that wrote them.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace maps::berkeley {

// The metadata page (page 0).
inline constexpr std::size_t meta_size = 512;
inline constexpr std::size_t meta_magic_at = 12, meta_version_at = 16, meta_page_size_at = 20, meta_encryption_at = 24, meta_flags_at = 26,
                             meta_last_page_at = 32, meta_partitions_at = 36, meta_kind_flags_at = 48;
// Of a hash only: the buckets that there are, and for each power of two of them how far its pages are from the buckets' numbers.
inline constexpr std::size_t meta_max_bucket_at = 72, meta_high_mask_at = 76, meta_low_mask_at = 80, meta_hash_check_at = 92,
                             meta_spares_at = 96, meta_spares = 32, meta_checksum_at = 492;
inline constexpr std::uint32_t hash_magic = 0x061561, btree_magic = 0x053162, hash_version = 9;
inline constexpr unsigned char meta_has_checksums = 0x01;
inline constexpr std::uint32_t page_size_min = 512, page_size_max = 65536;

// The header of every other page; then, in those with entries, the table of their offsets.
inline constexpr std::size_t page_number_at = 8, page_previous_at = 12, page_next_at = 16, page_entries_at = 20, page_free_at = 22,
                             page_type_at = 25, page_header_size = 26;
// With checksums the header has one more field, behind two unused bytes.
inline constexpr std::size_t page_checksum_at = 28, page_header_with_checksum = 32;

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

// The first byte of an item in a hash's page: its bytes follow; or a page and a size, of the chain of overflow pages that has
// them. How many a page of the chain has stands at page_free_at.
inline constexpr unsigned char item_is_here = 1, item_is_elsewhere = 3;
inline constexpr std::size_t elsewhere_page_at = 4, elsewhere_bytes_at = 8, elsewhere_size = 12;

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The hash by which a bucket is chosen: its low bits.
constexpr std::uint32_t bucket_hash(std::string_view key) {
  std::uint32_t hash = 0;
  for (const char c : key) hash = (hash * 16777619U) ^ static_cast<unsigned char>(c);
  return hash;
}

// As many bytes as `into` has. The file's end comes too early: EINVAL.
[[nodiscard]] Result<void> read_at(int fd, std::string& into, std::uint64_t at);

// Of bytes of which `size` at `at` count as zero, being the checksum's place.
[[nodiscard]] std::uint32_t checksum(std::string_view bytes, std::size_t at, std::size_t size);

}  // namespace maps::berkeley
