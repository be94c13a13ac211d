#include "lib/maps/berkeley_hash.h"

#include <algorithm>
#include <bit>
#include <cerrno>

#include <fmt/core.h>

namespace maps::berkeley {
namespace {

// The hash of this text is in every file: in one that was made with another hash it differs.
constexpr std::string_view hash_check("%$sniglet^&", 12);
constexpr std::size_t meta_checksum_size = 20;

base::Failure damaged(std::uint32_t number) { return base::fail(fmt::format("page {} is damaged", number), EINVAL); }

unsigned char type_of(std::string_view item) { return static_cast<unsigned char>(item.front()); }

}  // namespace

Result<std::optional<HashReader>> HashReader::open(int fd) {
  std::string meta(meta_size, '\0');
  TRY(read_at(fd, meta, 0));
  const auto number = [&meta](std::size_t at) { return number_at<std::uint32_t>(meta, at); };
  const auto flags = static_cast<unsigned char>(meta[meta_flags_at]);
  const bool is_known = number(meta_magic_at) == hash_magic && number(meta_version_at) == hash_version && meta[meta_encryption_at] == '\0' &&
                        (flags & ~unsigned{meta_has_checksums}) == 0 && number(meta_partitions_at) == 0 && number(meta_kind_flags_at) == 0 &&
                        std::has_single_bit(number(meta_page_size_at)) && number(meta_page_size_at) >= page_size_min &&
                        number(meta_page_size_at) <= page_size_max && number(meta_hash_check_at) == bucket_hash(hash_check);
  if (!is_known) return std::optional<HashReader>{};
  if ((flags & meta_has_checksums) != 0 && checksum(meta, meta_checksum_at, meta_checksum_size) != number(meta_checksum_at)) return damaged(0);
  return std::optional<HashReader>(HashReader(fd, meta));
}

HashReader::HashReader(int fd, std::string_view meta)
    : fd_(fd),
      has_checksums_((static_cast<unsigned char>(meta[meta_flags_at]) & meta_has_checksums) != 0),
      header_size_(has_checksums_ ? page_header_with_checksum : page_header_size),
      last_page_(number_at<std::uint32_t>(meta, meta_last_page_at)),
      max_bucket_(number_at<std::uint32_t>(meta, meta_max_bucket_at)),
      high_mask_(number_at<std::uint32_t>(meta, meta_high_mask_at)),
      low_mask_(number_at<std::uint32_t>(meta, meta_low_mask_at)),
      spares_(number_at<std::array<std::uint32_t, meta_spares>>(meta, meta_spares_at)),
      page_(number_at<std::uint32_t>(meta, meta_page_size_at), '\0'),
      has_held_(has_checksums_ ? std::size_t{last_page_} + 1 : 0) {}

std::uint32_t HashReader::page_of(std::string_view key) const {
  std::uint32_t bucket = bucket_hash(key) & high_mask_;
  if (bucket > max_bucket_) bucket &= low_mask_;
  // No file has so many buckets that the last bit would be needed.
  const auto power = std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(bucket)), meta_spares - 1);
  return bucket + spares_.at(power);
}

Result<void> HashReader::read_page(std::string& into, std::uint32_t number) {
  if (number == 0 || number > last_page_) return damaged(number);
  TRY(read_at(fd_, into, std::uint64_t{number} * into.size()));
  // A bucket that never had an entry.
  if (std::string_view(into).substr(0, page_header_size).find_first_not_of('\0') == std::string_view::npos) return {};
  if (number_at<std::uint32_t>(into, page_number_at) != number) return damaged(number);
  if (!has_checksums_ || has_held_[number]) return {};
  if (checksum(into, page_checksum_at, sizeof(std::uint32_t)) != number_at<std::uint32_t>(into, page_checksum_at)) return damaged(number);
  has_held_[number] = true;
  return {};
}

// What the item of the page stands for.
Result<std::string> HashReader::bytes_of(std::string_view item, std::uint32_t number) {
  if (type_of(item) == item_is_here) return std::string(item.substr(1));
  if (type_of(item) != item_is_elsewhere || item.size() != elsewhere_size) return damaged(number);
  const std::size_t size = number_at<std::uint32_t>(item, elsewhere_bytes_at);
  if (size > std::uint64_t{last_page_} * page_.size()) return damaged(number);
  std::string bytes;
  std::string page(page_.size(), '\0');
  number = number_at<std::uint32_t>(item, elsewhere_page_at);
  while (bytes.size() < size) {
    TRY(read_page(page, number));
    const std::size_t here = number_at<std::uint16_t>(page, page_free_at);
    if (static_cast<unsigned char>(page[page_type_at]) != overflow || here == 0 || here > page.size() - header_size_) return damaged(number);
    bytes.append(page, header_size_, here);
    number = number_at<std::uint32_t>(page, page_next_at);
  }
  if (bytes.size() != size || number != 0) return damaged(number);
  return bytes;
}

Result<bool> HashReader::is_key(std::string_view item, std::string_view key, std::uint32_t number) {
  if (type_of(item) == item_is_here) return item.substr(1) == key;
  if (item.size() == elsewhere_size && number_at<std::uint32_t>(item, elsewhere_bytes_at) != key.size()) return false;
  return TRY(bytes_of(item, number)) == key;
}

Result<std::optional<std::string>> HashReader::search(std::string_view key, std::uint32_t number) {
  const std::string_view page = page_;
  const std::size_t entries = number_at<std::uint16_t>(page, page_entries_at);
  const std::size_t table_end = header_size_ + entries * sizeof(std::uint16_t);
  if (entries % 2 != 0 || table_end > page.size()) return damaged(number);
  const auto offset = [&](std::size_t i) { return std::size_t{number_at<std::uint16_t>(page, header_size_ + i * sizeof(std::uint16_t))}; };
  // Each item ends where the one before it begins; a key's value comes next.
  std::size_t end = page.size();
  for (std::size_t i = 0; i < entries; i += 2) {
    const std::size_t key_at = offset(i), value_at = offset(i + 1);
    if (key_at >= end || value_at >= key_at || value_at < table_end) return damaged(number);
    if (TRY(is_key(page.substr(key_at, end - key_at), key, number))) return TRY(bytes_of(page.substr(value_at, key_at - value_at), number));
    end = value_at;
  }
  return std::optional<std::string>{};
}

Result<std::optional<std::string>> HashReader::get(std::string_view key) {
  std::uint32_t number = page_of(key);
  // A chain is at most as long as the file.
  for (std::uint32_t pages = 0; pages <= last_page_; ++pages) {
    TRY(read_page(page_, number));
    const auto type = static_cast<unsigned char>(page_[page_type_at]);
    if (type != hash_page && type != hash_unsorted && type != unused) return damaged(number);
    if (auto value = TRY(search(key, number))) return value;
    number = number_at<std::uint32_t>(page_, page_next_at);
    if (number == 0) return std::optional<std::string>{};
  }
  return damaged(number);
}

}  // namespace maps::berkeley
