#include "commands/postfix/installed_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>

#include <fmt/core.h>

#include <sys/stat.h>

#include "lib/base/ascii.h"
#include "lib/config/file.h"
#include "lib/io/file.h"

namespace postfix {
namespace {

using base::fail;

constexpr std::string_view known_types = "dfhl";
constexpr std::string_view known_flags = "pucro1";

// Between colons, empty ones too; those that are missing at the end are empty.
std::array<std::string_view, 6> columns_of(std::string_view line) {
  std::array<std::string_view, 6> columns{};
  for (std::string_view& column : columns) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    column = line.substr(0, colon) == "-" ? "" : line.substr(0, colon);
    line.remove_prefix(std::min(colon + 1, line.size()));
  }
  return columns;
}

Result<mode_t> parse_mode(std::string_view text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 07777) {
    return fail(fmt::format("bad mode: \"{}\"", text));
  }
  return static_cast<mode_t>(mode);
}

Result<InstalledFile> parse_line(std::string_view line, const config::Main& main) {
  const auto [path, type, owner, group, mode, flags] = columns_of(line);
  if (path.empty()) return fail("missing path");
  if (type.size() != 1 || !known_types.contains(type[0])) return fail(fmt::format("unknown type: \"{}\"", type));
  if (flags.find_first_not_of(known_flags) != std::string_view::npos) return fail(fmt::format("unknown flags: \"{}\"", flags));
  InstalledFile file{.written_path = std::string(path),
                     .path = TRY(main.expand_text(path)),
                     .owner = TRY(main.expand_text(owner)),
                     .group = TRY(main.expand_text(group)),
                     .type = type[0],
                     .mode = 0,
                     .flags = std::string(flags)};
  const bool is_link = file.type == 'l' || file.type == 'h';
  if (!is_link) file.mode = TRY(parse_mode(mode));
  if (!is_link && file.owner.empty()) return fail("missing owner");
  return file;
}

}  // namespace

bool InstalledFile::is_of_instance() const {
  constexpr std::array places{std::string_view("$config_directory"), std::string_view("$data_directory"),
                              std::string_view("$queue_directory")};
  return std::ranges::any_of(places, [&](std::string_view place) {
    return written_path.starts_with(place) && (written_path.size() == place.size() || written_path[place.size()] == '/');
  });
}

Result<std::vector<InstalledFile>> parse_installed_files(std::string_view text, std::string_view file,
                                                         const config::Main& main) {
  std::vector<InstalledFile> files;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = ascii::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    auto parsed = parse_line(line, main);
    if (!parsed) return fail(fmt::format("{}, line {}: {}", file, number, parsed.error().message()));
    files.push_back(std::move(*parsed));
  }
  return files;
}

Result<std::vector<InstalledFile>> read_installed_files(const std::string& directory, const config::Main& main) {
  const std::string first = directory + "/postfix-files";
  struct stat status {};
  if (::stat(first.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return fail(first + " is not a file.");
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(first + ".d", error)) paths.push_back(entry.path().string());
  std::ranges::sort(paths);
  paths.insert(paths.begin(), first);
  std::vector<InstalledFile> files;
  for (const std::string& path : paths) {
    const std::string text = TRY(io::read_file(path, config::max_file_size));
    std::vector<InstalledFile> some = TRY(parse_installed_files(text, path, main));
    files.insert(files.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return files;
}

}  // namespace postfix
