#include "lib/store/names.h"

#include <cerrno>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/mail/modified_utf7.h"

namespace store {
namespace {

std::vector<std::string_view> parts_of(std::string_view name, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = name.find(separator);
    parts.push_back(name.substr(0, end));
    if (end == std::string_view::npos) return parts;
    name.remove_prefix(end + 1);
  }
}

base::Failure refused(std::string_view why, int code = EINVAL) { return base::fail("Invalid mailbox name: " + std::string(why), code); }

bool has_control(std::string_view name) {
  for (std::string_view rest = name; !rest.empty();) {
    const auto c = base::take_character(rest);
    if (!c || *c < 0x20 || (*c >= 0x7f && *c < 0xa0) || *c == 0x2028 || *c == 0x2029) return true;
  }
  return false;
}

Result<void> check_part(std::string_view part, const Location& location) {
  if (part.empty()) return refused("Has adjacent hierarchy separators");
  if (location.layout == Location::Layout::fs) {
    // What begins with ".." is a mailbox on its way out.
    if (part == "." || part.starts_with("..")) return refused("Has a part \"" + std::string(part) + "\"");
    if (location.kind == Location::Kind::maildir && (part == "cur" || part == "new" || part == "tmp")) return refused("Has a reserved part");
    if (location.kind == Location::Kind::mbox && (part == ".imap" || part == ".subscriptions")) return refused("Has a reserved part");
    if (part.ends_with(".lock")) return refused("Would be taken for a lock");
  } else if (part.find('/') != std::string_view::npos) {
    return refused("Name must not have '/' characters");
  }
  return {};
}

}  // namespace

std::string canonical_name(std::string_view name, char separator) {
  const std::size_t end = name.find(separator);
  if (!ascii::equal_ignoring_case(name.substr(0, end), inbox_name)) return std::string(name);
  return std::string(inbox_name) + std::string(end == std::string_view::npos ? std::string_view() : name.substr(end));
}

Result<void> check_name(std::string_view name, const Location& location) {
  if (name.empty()) return refused("Name is empty");
  if (name.size() > name_size_max) return refused("Too long", ENAMETOOLONG);
  if (has_control(name)) return refused("It is not printable UTF-8");
  if (name.starts_with(location.separator())) return refused("Begins with hierarchy separator");
  if (name.ends_with(location.separator())) return refused("Ends with hierarchy separator");
  if (name.starts_with('~')) return refused("Begins with '~'");
  const auto parts = parts_of(name, location.separator());
  if (parts.size() > name_depth_max) return refused("Has too many levels", ENAMETOOLONG);
  for (const std::string_view part : parts) {
    TRY(check_part(part, location));
    // Room for ".lock" and the like.
    if ((location.utf8_names ? part.size() : mail::encode_modified_utf7(part).size()) > name_part_size_max - 32) return refused("A part is too long", ENAMETOOLONG);
  }
  if (location.layout == Location::Layout::maildir_plus_plus && disk_name(name, location).size() > name_part_size_max) {
    return refused("Too long", ENAMETOOLONG);
  }
  return {};
}

std::string disk_name(std::string_view name, const Location& location) {
  std::string out = location.layout == Location::Layout::maildir_plus_plus ? "." : "";
  for (const std::string_view part : parts_of(name, location.separator())) {
    if (part.data() != name.data()) out += location.separator();
    out += location.utf8_names ? std::string(part) : mail::encode_modified_utf7(part);
  }
  return out;
}

std::optional<std::string> name_of(std::string_view disk_name, const Location& location) {
  if (location.layout == Location::Layout::maildir_plus_plus) {
    if (!disk_name.starts_with('.')) return std::nullopt;
    disk_name.remove_prefix(1);
  }
  std::string name;
  for (const std::string_view part : parts_of(disk_name, location.separator())) {
    if (part.data() != disk_name.data()) name += location.separator();
    if (location.utf8_names) {
      name += part;
    } else {
      const auto decoded = mail::decode_modified_utf7(part);
      if (!decoded) return std::nullopt;
      name += *decoded;
    }
  }
  if (!check_name(name, location)) return std::nullopt;
  return name;
}

}  // namespace store
