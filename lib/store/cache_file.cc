#include "lib/store/cache_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/store/index_file.h"
#include "lib/store/mailbox.h"

namespace store {
namespace {

constexpr const char* cache_name = "valija.cache";
constexpr std::uint64_t unit = 8;  // places are counted in it
constexpr std::size_t guess = 4096;
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

std::optional<std::string> CacheFile::get(const Fd& directory, std::uint32_t place, std::uint32_t validity, std::uint32_t uid) {
  if (place == 0 || !open(directory)) return std::nullopt;
  std::string bytes(guess, '\0');
  const auto offset = static_cast<off_t>(place * unit);
  ssize_t got = ::pread(file_.get(), bytes.data(), bytes.size(), offset);
  PieceHead head;
  if (got < static_cast<ssize_t>(sizeof head)) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.uid != uid || head.size > Mailbox::cached_size_max) return std::nullopt;
  const std::size_t whole = sizeof head + head.size;
  if (static_cast<std::size_t>(got) < whole) {
    bytes.resize(whole);
    got = ::pread(file_.get(), bytes.data(), whole, offset);
    if (got < static_cast<ssize_t>(whole)) return std::nullopt;
  }
  bytes.resize(whole);
  bytes.erase(0, sizeof head);
  if (sum_of(validity, uid, bytes) != head.sum) return std::nullopt;
  return bytes;
}

std::uint32_t CacheFile::put(const Fd& directory, std::uint32_t validity, std::uint32_t uid, std::string_view bytes) {
  if (bytes.size() > Mailbox::cached_size_max || !open(directory)) return 0;
  const PieceHead head{uid, static_cast<std::uint32_t>(bytes.size()), sum_of(validity, uid, bytes)};
  std::string piece(reinterpret_cast<const char*>(&head), sizeof head);
  piece += bytes;
  piece.resize((piece.size() + unit - 1) / unit * unit);
  // One write at the end of the file, wherever that is by now; a torn one by others may have left it at an odd place.
  const ssize_t written = ::write(file_.get(), piece.data(), piece.size());
  const off_t end = ::lseek(file_.get(), 0, SEEK_CUR);
  if (written != static_cast<ssize_t>(piece.size()) || end < written) return 0;
  const auto start = static_cast<std::uint64_t>(end - written);
  return start % unit == 0 && start / unit <= UINT32_MAX ? static_cast<std::uint32_t>(start / unit) : 0;
}

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
  if (directory) ::unlinkat(directory.get(), cache_name, 0);
}

}  // namespace store
