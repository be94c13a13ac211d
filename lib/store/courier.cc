#include "lib/store/courier.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/store/folder.h"
#include "lib/store/maildir_scan.h"

namespace store {
namespace {

constexpr std::size_t list_size_max = 64 * 1024 * 1024, message_size_max = 64 * 1024;
constexpr std::size_t names_max = 4096;
constexpr std::string_view not_in_keywords = "\"%()*\\]{";  // RFC 3501's atom-specials; and what is_control says

std::string_view take_line(std::string_view& rest) {
  const std::size_t size = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, size);
  rest.remove_prefix(std::min(size + 1, rest.size()));
  return line;
}

// RFC 1939 section 7.
bool fits_in_uidl(char c) { return c > ' ' && c < 0x7f; }

// "5:1700000000" as the client was told it. A message without a number was called by its file.
std::string uidl_of(std::string_view numbers, std::string_view base) {
  const auto parts = ascii::split(numbers, ":");
  if (parts.size() < 2) return {};
  const auto number = ascii::parse_number(parts[0]), validity = ascii::parse_number(parts[1]);
  if (!number || !validity) return {};
  if (*number == 0) return std::ranges::all_of(base, fits_in_uidl) ? std::string(base) : std::string();
  return *validity == 0 ? fmt::format("UID{}", *number) : fmt::format("UID{}-{}", *number, *validity);
}

// As Courier shows it.
std::string keyword_of(std::string_view line) {
  std::string name(line);
  std::ranges::replace_if(name, [](char c) { return c == ' ' || ascii::is_control(c) || not_in_keywords.find(c) != std::string_view::npos; }, '_');
  return name;
}

// A message's own file: its base name and time. None: it is something else.
struct OwnFile {
  std::string base;
  std::uint64_t time = UINT64_MAX;  // BASE itself is the latest
};
std::optional<OwnFile> own_file(std::string_view file) {
  if (file.empty() || file.find(':') != std::string_view::npos) return std::nullopt;
  if (file[0] != '.') return OwnFile{std::string(file)};
  const std::size_t dot = std::min(file.find('.', 1), file.size());
  const auto time = ascii::parse_number(file.substr(1, dot - 1), UINT64_MAX - 1);
  if (!time || dot + 1 >= file.size()) return std::nullopt;
  return OwnFile{std::string(file.substr(dot + 1)), *time};
}

}  // namespace

Result<std::vector<std::string>> courier_keyword_files(const Fd& directory) {
  const int own = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const listing = own < 0 ? nullptr : ::fdopendir(own);
  if (listing == nullptr) return base::fail_system("read courierimapkeywords");
  std::vector<std::string> files;
  while (const dirent* const entry = ::readdir(listing)) {
    if (files.size() < messages_max && own_file(entry->d_name)) files.emplace_back(entry->d_name);
  }
  ::closedir(listing);
  return files;
}

CourierUidls courier_uidls(std::string_view size_list) {
  CourierUidls uidls;
  const std::string_view head = take_line(size_list);
  if (!head.starts_with("/2 ") && !head.starts_with("/3 ")) return uidls;
  while (!size_list.empty()) {
    const std::string_view line = take_line(size_list);
    // A file's name may have spaces, and what follows has none.
    const std::size_t numbers = line.rfind(' ');
    const std::size_t size = numbers == std::string_view::npos || numbers == 0 ? std::string_view::npos : line.rfind(' ', numbers - 1);
    if (size == std::string_view::npos) continue;
    const std::string_view base = line.substr(0, std::min(line.find(':'), size));
    if (base.size() == size) continue;  // Courier makes nothing of it, either
    std::string uidl = uidl_of(line.substr(numbers + 1), base);
    if (!uidl.empty()) uidls.insert_or_assign(std::string(base), std::move(uidl));
  }
  return uidls;
}

Result<CourierKeywords> CourierKeywords::read(const Fd& mailbox) {
  CourierKeywords keywords;
  const Fd directory(::openat(mailbox.get(), courier_keyword_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return keywords;
  if (!directory) return base::fail_system("open courierimapkeywords");
  if (const auto list = TRY(read_in(directory, courier_keyword_list, list_size_max))) keywords.add_list(*list);
  std::map<std::string, std::pair<std::uint64_t, std::string>> latest;  // by base: time, file
  for (std::string& file : TRY(courier_keyword_files(directory))) {
    const auto own = own_file(file);
    auto& [time, name] = latest[own->base];
    if (name.empty() || own->time > time) {
      time = own->time;
      name = std::move(file);
    }
  }
  for (const auto& [base, file] : latest) {
    const auto text = read_in(directory, file.second, message_size_max);
    if (text && *text) keywords.set_message(base, **text);
  }
  return keywords;
}

std::optional<std::size_t> CourierKeywords::number_of(std::string_view name) {
  const std::string small = ascii::lowercase(name);
  if (const auto known = numbers_.find(small); known != numbers_.end()) return known->second;
  if (names_.size() >= names_max) return std::nullopt;
  numbers_.emplace(small, names_.size());
  names_.emplace_back(name);
  return names_.size() - 1;
}

void CourierKeywords::add_list(std::string_view text) {
  std::vector<std::optional<std::size_t>> numbers;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    numbers.push_back(number_of(keyword_of(line)));
  }
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::vector<std::size_t> found;
    for (const std::string_view word : ascii::split(line.substr(colon), ": ")) {
      const auto number = ascii::parse_number(word);
      if (number && *number < numbers.size() && numbers[*number]) found.push_back(*numbers[*number]);
    }
    if (!found.empty()) messages_.insert_or_assign(std::string(line.substr(0, colon)), std::move(found));
  }
}

void CourierKeywords::set_message(std::string_view base, std::string_view text) {
  std::vector<std::size_t> found;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    if (const auto number = number_of(keyword_of(line))) found.push_back(*number);
  }
  messages_.insert_or_assign(std::string(base), std::move(found));
}

}  // namespace store
