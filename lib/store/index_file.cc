#include "lib/store/index_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/ascii.h"

namespace store {
namespace {

constexpr std::array<char, 8> magic{'v', 'a', 'l', 'i', 'd', 'x', '0', '2'};
constexpr std::uint64_t size_max = std::uint64_t{1} << 32;
constexpr std::size_t id_size = 32;
constexpr int mark_tries = 8;

struct Section {
  std::uint64_t size = 0, sum = 0;
};

struct Head {
  std::array<char, 8> kind = magic;
  std::uint32_t row_size = 0;
  std::uint32_t uid_validity = 0;
  std::uint32_t uid_next = 0;
  std::uint32_t unused = 0;
  std::uint64_t highest = 0;
  std::uint64_t gone_since = 0;
  std::uint64_t count = 0;
  std::array<FileMark, 5> marks{};
  Section entries, gone, keywords, rows, names;
  std::array<char, id_size> mailbox_id{};
  std::uint64_t sum = 0;  // of all before it
};
static_assert(std::is_trivially_copyable_v<Head> && std::is_trivially_copyable_v<Entry> && std::is_trivially_copyable_v<Gone>);
static_assert(sizeof(Head) == offsetof(Head, sum) + sizeof(std::uint64_t));

std::string_view bytes_of(const void* data, std::size_t size) { return {static_cast<const char*>(data), size}; }
std::uint64_t sum_of(const Head& head) { return checksum(bytes_of(&head, offsetof(Head, sum))); }

bool read_at(const Fd& file, void* data, std::size_t size, std::uint64_t offset) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t count = ::pread(file.get(), at, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

std::uint64_t mix(std::uint64_t sum, std::uint64_t word) {
  sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
  return sum ^ (sum >> 29);
}

bool is_plausible(const Head& head, std::uint32_t row_size, std::uint64_t file_size) {
  if (head.kind != magic || head.sum != sum_of(head) || head.row_size != row_size) return false;
  std::uint64_t total = sizeof(Head);
  for (const Section* section : {&head.entries, &head.gone, &head.keywords, &head.rows, &head.names}) {
    if (section->size > size_max) return false;
    total += section->size;
  }
  return total == file_size && head.entries.size == head.count * sizeof(Entry) && head.gone.size % sizeof(Gone) == 0 &&
         head.rows.size == head.count * row_size && head.uid_validity != 0 && head.uid_next != 0;
}

// A checksum is right by chance or by an enemy's hand, too.
bool is_in_order(const IndexContent& content) {
  Uid last = 0;
  for (const Entry& entry : content.known.entries) {
    if (entry.uid <= last || entry.modseq > content.known.highest) return false;
    last = entry.uid;
  }
  return last < content.known.uid_next && content.keywords.size() <= keywords_max;
}

template <class T>
bool read_section(const Fd& file, std::vector<T>& items, const Section& section, std::uint64_t& offset) {
  items.resize(section.size / sizeof(T));
  if (!read_at(file, items.data(), section.size, offset) || checksum(bytes_of(items.data(), section.size)) != section.sum) return false;
  offset += section.size;
  return true;
}

bool read_section(const Fd& file, std::string& bytes, const Section& section, std::uint64_t& offset) {
  bytes.resize(section.size);
  if (!read_at(file, bytes.data(), section.size, offset) || checksum(bytes) != section.sum) return false;
  offset += section.size;
  return true;
}

bool write_all(const Fd& file, std::span<const std::string_view> parts) {
  for (std::string_view part : parts) {
    if (!write_fully(file, part, "index")) return false;
  }
  return true;
}

}  // namespace

std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
  // Four lanes, as one multiplication waits for the one before it.
  std::array<std::uint64_t, 4> lanes{seed, seed + 1, seed + 2, seed + 3};
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) {
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), at, 32);
    for (std::size_t i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], words[i]);
  }
  std::uint64_t sum = bytes.size();
  for (const std::uint64_t lane : lanes) sum = mix(sum, lane);
  for (std::uint64_t word = 0; left > 0; word = 0) {
    const std::size_t size = std::min(left, sizeof word);
    std::memcpy(&word, at, size);
    sum = mix(sum, word);
    left -= size;
    at += size;
  }
  return sum;
}

std::optional<IndexFile> IndexFile::load(const Fd& directory, std::uint32_t row_size, IndexContent& content) {
  IndexFile index;
  auto file = open_in(directory, std::string(index_name), O_RDONLY);
  if (!file) return std::nullopt;
  index.file_ = std::move(*file);
  struct stat status {};
  Head head;
  if (::fstat(index.file_.get(), &status) != 0 || !read_at(index.file_, &head, sizeof head, 0) ||
      !is_plausible(head, row_size, static_cast<std::uint64_t>(status.st_size))) {
    return std::nullopt;
  }
  std::uint64_t offset = sizeof head;
  std::string keywords;
  if (!read_section(index.file_, content.known.entries, head.entries, offset) || !read_section(index.file_, content.known.gone, head.gone, offset) ||
      !read_section(index.file_, keywords, head.keywords, offset)) {
    return std::nullopt;
  }
  content.uid_validity = head.uid_validity;
  content.known.uid_next = head.uid_next;
  content.known.highest = head.highest;
  content.known.gone_since = head.gone_since;
  content.marks = head.marks;
  content.mailbox_id.assign(head.mailbox_id.data(), ::strnlen(head.mailbox_id.data(), id_size));
  for (std::string_view rest = keywords; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    content.keywords.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (!is_in_order(content)) return std::nullopt;
  index.offset_ = offset;
  index.rows_size_ = head.rows.size;
  index.rows_sum_ = head.rows.sum;
  index.names_size_ = head.names.size;
  index.names_sum_ = head.names.sum;
  return index;
}

std::optional<IndexRows> IndexFile::rows() const {
  IndexRows read;
  std::uint64_t offset = offset_;
  if (!read_section(file_, read.rows, {rows_size_, rows_sum_}, offset) || !read_section(file_, read.names, {names_size_, names_sum_}, offset)) {
    return std::nullopt;
  }
  return read;
}

void IndexFile::save(const Fd& directory, std::uint32_t row_size, const IndexContent& content, const std::vector<Entry>& entries,
                     std::string_view rows, std::string_view names) {
  std::string keywords;
  for (const std::string& keyword : content.keywords) keywords += keyword + "\n";
  const std::string_view entry_bytes = bytes_of(entries.data(), entries.size() * sizeof(Entry));
  const std::string_view gone_bytes = bytes_of(content.known.gone.data(), content.known.gone.size() * sizeof(Gone));
  Head head;
  std::memset(static_cast<void*>(&head), 0, sizeof head);
  head.kind = magic;
  head.row_size = row_size;
  head.uid_validity = content.uid_validity;
  head.uid_next = content.known.uid_next;
  head.highest = content.known.highest;
  head.gone_since = content.known.gone_since;
  head.count = entries.size();
  head.marks = content.marks;
  const auto section = [](std::string_view bytes) { return Section{bytes.size(), checksum(bytes)}; };
  head.entries = section(entry_bytes);
  head.gone = section(gone_bytes);
  head.keywords = section(keywords);
  head.rows = section(rows);
  head.names = section(names);
  content.mailbox_id.copy(head.mailbox_id.data(), id_size);
  head.sum = sum_of(head);

  const std::string draft = std::string(index_name) + "." + std::to_string(::getpid()) + ".tmp";
  ::unlinkat(directory.get(), draft.c_str(), 0);
  const auto file = open_in(directory, draft, O_CREAT | O_EXCL | O_WRONLY);
  if (!file) return;
  const std::string_view parts[] = {bytes_of(&head, sizeof head), entry_bytes, gone_bytes, keywords, rows, names};
  if (!write_all(*file, parts) || ::renameat(directory.get(), draft.c_str(), directory.get(), std::string(index_name).c_str()) != 0) {
    ::unlinkat(directory.get(), draft.c_str(), 0);
  }
}

OpenMark::State OpenMark::look(const Fd& directory) {
  const auto file = open_in(directory, std::string(open_mark_name), O_RDONLY);
  if (!file) return State::none;
  return ::flock(file->get(), LOCK_EX | LOCK_NB) == 0 ? State::left : State::held;
}

void OpenMark::take(const Fd& directory) {
  if (file_ || !directory) return;
  for (int attempt = 0; attempt < mark_tries; ++attempt) {
    auto file = open_in(directory, std::string(open_mark_name), O_RDONLY | O_CREAT);
    if (!file || ::flock(file->get(), LOCK_SH) != 0) return;
    file_ = std::move(*file);
    // Whoever was the last may just have removed it.
    if (mark_of(file_).inode == mark_in(directory, std::string(open_mark_name)).inode) return;
  }
}

void OpenMark::release(const Fd& directory) {
  file_.reset();
  if (!directory) return;
  const auto file = open_in(directory, std::string(open_mark_name), O_RDONLY);
  if (!file || ::flock(file->get(), LOCK_EX | LOCK_NB) != 0) return;
  if (mark_of(*file).inode == mark_in(directory, std::string(open_mark_name)).inode) ::unlinkat(directory.get(), std::string(open_mark_name).c_str(), 0);
}

}  // namespace store
