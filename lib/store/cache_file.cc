#include "lib/store/cache_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/store/index_file.h"
#include "lib/store/mailbox.h"

namespace store {
namespace {

constexpr const char* cache_name = "valija.cache";
constexpr std::uint64_t unit = 8;  // places are counted in it
constexpr std::size_t window_size = 16 * 1024;    // of one read
constexpr std::size_t waiting_size = 32 * 1024;   // of one write
constexpr std::uint64_t waste_size_min = 1 << 20, waste_factor = 3;
constexpr std::size_t sample_size = 100;  // pieces

struct PieceHead {
  std::uint32_t uid = 0;
  std::uint32_t size = 0;
  std::uint64_t sum = 0;
};

std::uint64_t sum_of(std::uint32_t validity, std::uint32_t uid, std::string_view bytes) {
  return checksum(bytes, (std::uint64_t{validity} << 32) | uid);
}

constexpr std::size_t rounded_up(std::size_t size) { return (size + unit - 1) / unit * unit; }

}  // namespace

bool CacheFile::open(const Fd& directory) {
  if (file_) return true;
  if (!directory) return false;
  auto file = open_in(directory, cache_name, O_CREAT | O_RDWR | O_APPEND);
  if (!file) return false;
  file_ = std::move(*file);
  struct stat status {};
  // Place 0 means none.
  const std::string first(unit, 'v');
  if (::fstat(file_.get(), &status) == 0 && status.st_size == 0) return write_fully(file_, first, cache_name).has_value();
  return true;
}

// Less than `size` where the file ends before.
std::string_view CacheFile::read(std::uint64_t offset, std::size_t size) {
  const auto is_here = [&] { return offset >= window_offset_ && offset + size <= window_offset_ + window_.size(); };
  if (!is_here()) {
    window_.resize_and_overwrite(std::max(size, window_size), [&](char* room, std::size_t capacity) {
      const ssize_t got = ::pread(file_.get(), room, capacity, static_cast<off_t>(offset));
      return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    });
    window_offset_ = offset;
  }
  return std::string_view(window_).substr(offset - window_offset_).substr(0, size);
}

std::optional<std::string_view> CacheFile::get(const Fd& directory, std::uint32_t place, std::uint32_t validity, std::uint32_t uid) {
  if (place == 0 || !open(directory)) return std::nullopt;
  const std::uint64_t offset = place * unit;
  PieceHead head;
  const std::string_view first = read(offset, sizeof head);
  if (first.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, first.data(), sizeof head);
  if (head.uid != uid || head.size > Mailbox::cached_size_max) return std::nullopt;
  const std::string_view bytes = read(offset, sizeof head + head.size).substr(sizeof head);
  if (bytes.size() < head.size || sum_of(validity, uid, bytes) != head.sum) return std::nullopt;
  return bytes;
}

bool CacheFile::put(const Fd& directory, std::uint32_t validity, std::uint32_t uid, std::string_view bytes) {
  if (bytes.size() > Mailbox::cached_size_max || !open(directory)) return false;
  const PieceHead head{uid, static_cast<std::uint32_t>(bytes.size()), sum_of(validity, uid, bytes)};
  last_waiting_ = waiting_.empty() ? uid : std::max(last_waiting_, uid);
  waiting_.append(reinterpret_cast<const char*>(&head), sizeof head);
  waiting_ += bytes;
  waiting_.resize(rounded_up(waiting_.size()));
  return waiting_.size() >= waiting_size;
}

void CacheFile::write(const std::function<void(std::uint32_t uid, std::uint32_t place)>& tell) {
  if (waiting_.empty()) return;
  const std::string pieces = std::exchange(waiting_, {});
  // One write at the end of the file, wherever that is by now; a torn one by others may have left it at an odd place.
  const ssize_t written = ::write(file_.get(), pieces.data(), pieces.size());
  const off_t end = ::lseek(file_.get(), 0, SEEK_CUR);
  if (written != static_cast<ssize_t>(pieces.size()) || end < written) return;
  const auto start = static_cast<std::uint64_t>(end - written);
  if (start % unit != 0 || static_cast<std::uint64_t>(end) / unit > UINT32_MAX) return;
  PieceHead head;
  for (std::size_t at = 0; at < pieces.size(); at = rounded_up(at + sizeof head + head.size)) {
    std::memcpy(&head, pieces.data() + at, sizeof head);
    tell(head.uid, static_cast<std::uint32_t>((start + at) / unit));
  }
}

void CacheFile::rest() { std::string().swap(window_); }

bool CacheFile::is_mostly_waste(std::span<const std::uint32_t> places) const {
  const std::uint64_t size = file_ ? mark_of(file_).size : 0;
  if (size < waste_size_min) return false;
  std::uint64_t looked_at = 0, sum = 0;
  for (std::size_t i = 0; i < places.size(); i += places.size() / sample_size + 1, ++looked_at) {
    PieceHead head;
    if (::pread(file_.get(), &head, sizeof head, static_cast<off_t>(places[i] * unit)) != static_cast<ssize_t>(sizeof head)) continue;
    sum += sizeof head + std::min<std::uint64_t>(head.size, Mailbox::cached_size_max);
  }
  return looked_at == 0 || size > waste_factor * (sum / looked_at * places.size());
}

void CacheFile::remove(const Fd& directory) {
  file_.reset();
  waiting_.clear();
  rest();
  if (directory) ::unlinkat(directory.get(), cache_name, 0);
}

}  // namespace store
