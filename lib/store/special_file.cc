#include "lib/store/special_file.h"

#include <cerrno>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/store/folder.h"
#include "lib/store/names.h"
#include "lib/store/special_use.h"

namespace store {
namespace {

constexpr const char* special_file = "valija-special-use";
constexpr std::size_t file_size_max = 1024 * 1024;

Place place_of(const Location& location) { return {location.control.empty() ? location.root : location.control, {}}; }

SpecialFile::Uses parse(std::string_view text) {
  SpecialFile::Uses uses;
  for (const std::string_view line : ascii::split(text, "\n")) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || line.contains('\0') || !base::is_utf8(line)) continue;
    std::uint8_t bits = 0;
    for (const std::string_view word : ascii::split(line.substr(0, tab), " ")) bits = static_cast<std::uint8_t>(bits | special_use(word));
    uses[std::string(line.substr(tab + 1))] = bits;
  }
  return uses;
}

Result<SpecialFile::Uses> read_from(const Fd& directory) {
  const auto text = TRY(read_in(directory, special_file, file_size_max));
  return text ? parse(*text) : SpecialFile::Uses{};
}

}  // namespace

Result<SpecialFile::Uses> SpecialFile::read() const {
  const auto directory = open_directory(place_of(location_));
  if (!directory && directory.error().code() == ENOENT) return Uses{};
  if (!directory) return base::Failure(directory.error());
  return read_from(*directory);
}

Result<void> SpecialFile::change(const std::function<void(Uses&)>& edit) const {
  const Fd directory = TRY(make_directory(place_of(location_)));
  const auto lock = mailbox::Dotlock::acquire(fmt::format("/proc/self/fd/{}/{}", directory.get(), special_file), around_.self, lock_patience, special_file);
  if (!lock) return base::Failure(base::Error(lock.error().message(), lock.error().code() == EEXIST ? EAGAIN : lock.error().code()));
  const Uses before = TRY(read_from(directory));
  Uses after = before;
  edit(after);
  if (after == before) return {};
  std::string text;
  for (const auto& [name, bits] : after) {
    std::string words;
    for (const std::string_view word : special_use_names(bits)) words += (words.empty() ? "" : " ") + std::string(word);
    text += words + "\t" + name + "\n";
  }
  return replace_in(directory, special_file, text, Durable::yes);
}

}  // namespace store
