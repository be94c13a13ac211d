#include "lib/store/special_use.h"

#include <array>
#include <cerrno>
#include <utility>

#include "lib/base/ascii.h"

namespace store {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 8> uses_by_name{{
    {"\\All", special::all}, {"\\Archive", special::archive}, {"\\Drafts", special::drafts}, {"\\Flagged", special::flagged},
    {"\\Important", special::important}, {"\\Junk", special::junk}, {"\\Sent", special::sent}, {"\\Trash", special::trash},
}};

}  // namespace

std::uint8_t special_use(std::string_view attribute) {
  for (const auto& [name, use] : uses_by_name) {
    if (ascii::equal_ignoring_case(attribute, name) || ascii::equal_ignoring_case(attribute, name.substr(1))) return use;
  }
  return 0;
}

std::vector<std::string_view> special_use_names(std::uint8_t uses) {
  std::vector<std::string_view> names;
  for (const auto& [name, use] : uses_by_name) {
    if ((uses & use) != 0) names.push_back(name);
  }
  return names;
}

Result<std::vector<SpecialFolder>> parse_special_folders(std::string_view text) {
  std::vector<SpecialFolder> folders;
  for (const std::string_view item : ascii::split(text, ",\t\r\n")) {
    const std::string_view word = ascii::trim(item);
    if (word.empty()) continue;
    const std::size_t equals = word.rfind('=');
    SpecialFolder folder{std::string(ascii::trim(word.substr(0, equals))), 0};
    if (equals != std::string_view::npos) {
      folder.uses = special_use(ascii::trim(word.substr(equals + 1)));
      if (folder.uses == 0) return base::fail("special folder \"" + std::string(word) + "\": unknown use", EINVAL);
    }
    if (folder.name.empty()) return base::fail("special folder \"" + std::string(word) + "\" has no name", EINVAL);
    folders.push_back(std::move(folder));
  }
  return folders;
}

}  // namespace store
