#include "lib/mailbox/torn_tail.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <unistd.h>

namespace mailbox {
namespace {

// A mailbox is searched from its end in steps of this size, with an overlap of one From_ line.
constexpr std::int64_t window_size = 256 * 1024;

// Places that begin like our From_ line. More than a few cannot be ours; a mailbox made to have many costs no more.
constexpr std::size_t candidate_limit = 16;

Result<std::string> read_at(const Fd& file, std::int64_t offset, std::int64_t length) {
  std::string bytes(static_cast<std::size_t>(length), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t count = ::pread(file.get(), bytes.data() + have, bytes.size() - have, offset + static_cast<std::int64_t>(have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system("error reading mailbox");
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  bytes.resize(have);
  return bytes;
}

// The file from `start` to `size` against the content's first bytes.
Result<bool> is_prefix(const Fd& file, std::int64_t start, std::int64_t size, Content& content) {
  content.rewind();
  std::int64_t at = start;
  while (at < size) {
    const std::string_view ours = TRY(content.next());
    if (ours.empty()) return false;
    const std::int64_t length = std::min(size - at, static_cast<std::int64_t>(ours.size()));
    const std::string theirs = TRY(read_at(file, at, length));
    if (theirs != ours.substr(0, static_cast<std::size_t>(length))) return false;
    at += length;
  }
  return true;
}

// Offsets, in ascending order, of line starts in [from, size) where the file reads like `line`, as far as it goes.
Result<std::vector<std::int64_t>> candidates(const Fd& file, std::int64_t from, std::int64_t size, std::string_view line) {
  std::vector<std::int64_t> found;
  const auto overlap = static_cast<std::int64_t>(line.size());
  for (std::int64_t end = size; end > from && found.size() < candidate_limit;) {
    const std::int64_t begin = std::max(from, end - window_size);
    // One byte before tells whether `begin` is the start of a line.
    const std::int64_t before = begin > 0 ? 1 : 0;
    const std::string bytes = TRY(read_at(file, begin - before, std::min(size, end + overlap) - begin + before));
    const auto last = static_cast<std::size_t>(end - begin + before);
    for (std::size_t i = std::min(last, bytes.size()); i-- > static_cast<std::size_t>(before);) {
      const std::string_view rest = std::string_view(bytes).substr(i, line.size());
      const bool at_start = i == 0 || bytes[i - 1] == '\n';
      if (at_start && !rest.empty() && line.starts_with(rest)) {
        found.push_back(begin - before + static_cast<std::int64_t>(i));
        if (found.size() == candidate_limit) break;
      }
    }
    end = begin;
  }
  std::ranges::reverse(found);
  return found;
}

}  // namespace

Result<Tail> examine_tail(const Fd& file, std::int64_t size, Content& content) {
  const std::int64_t whole = TRY(content.size());
  content.rewind();
  const std::string_view head = TRY(content.next());
  const std::string line(head.substr(0, head.find('\n') + 1));
  const auto starts = TRY(candidates(file, std::max<std::int64_t>(0, size - whole), size, line));
  // The first that fits is the longest: a later one ("From" of a header line) would be a part of the same fragment.
  Tail tail;
  for (const std::int64_t start : starts) {
    if (!TRY(is_prefix(file, start, size, content))) continue;
    tail.kind = size - start == whole ? Tail::Kind::complete : Tail::Kind::torn;
    tail.start = start;
    break;
  }
  content.rewind();
  return tail;
}

}  // namespace mailbox
