#include "lib/store/location.h"

#include <cerrno>

#include "lib/base/ascii.h"

namespace store {
namespace {

constexpr std::size_t path_size_max = 4000;

// What a user is called must not choose a directory.
bool is_plain(std::string_view part) {
  return part != "." && part != ".." && part.find('/') == std::string_view::npos && part.find('\0') == std::string_view::npos;
}

Result<std::string> path_of(std::string_view text, const Variables& variables) {
  std::string path = TRY(expand(text, variables));
  if (path == "~" || path.starts_with("~/")) {
    if (variables.home.empty()) return base::fail("mail location: \"" + std::string(text) + "\": the user has no home directory", EINVAL);
    path = variables.home + path.substr(1);
  }
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (!path.starts_with('/')) return base::fail("mail location: \"" + std::string(text) + "\" is not an absolute path", EINVAL);
  if (path.size() > path_size_max) return base::fail("mail location: path too long", ENAMETOOLONG);
  return path;
}

Result<void> take_option(Location& location, std::string_view option, const Variables& variables) {
  const std::size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
  if (ascii::equal_ignoring_case(option, "UTF-8")) {
    location.utf8_names = true;
  } else if (ascii::equal_ignoring_case(name, "LAYOUT") && ascii::equal_ignoring_case(value, "fs")) {
    location.layout = Location::Layout::fs;
  } else if (ascii::equal_ignoring_case(name, "LAYOUT") && ascii::equal_ignoring_case(value, "maildir++") && location.kind == Location::Kind::maildir) {
    location.layout = Location::Layout::maildir_plus_plus;
  } else if (ascii::equal_ignoring_case(name, "INBOX")) {
    location.inbox = TRY(path_of(value, variables));
  } else if (ascii::equal_ignoring_case(name, "INDEX")) {
    location.index = value == "MEMORY" ? std::string(value) : TRY(path_of(value, variables));
  } else if (ascii::equal_ignoring_case(name, "CONTROL")) {
    location.control = TRY(path_of(value, variables));
  } else {
    return base::fail("mail location: unknown option \"" + std::string(option) + "\"", EINVAL);
  }
  return {};
}

}  // namespace

Result<std::string> expand(std::string_view text, const Variables& variables) {
  const std::size_t at = variables.user.rfind('@');
  const std::string_view user = variables.user;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const char name = ++i < text.size() ? text[i] : '\0';
    std::string_view value;
    switch (name) {
      case '%': out += '%'; continue;
      case 'h': out += variables.home; continue;
      case 'u': value = user; break;
      case 'n': value = user.substr(0, at); break;
      case 'd': value = at == std::string_view::npos ? std::string_view() : user.substr(at + 1); break;
      default: return base::fail("\"" + std::string(text) + "\": unknown variable %" + std::string(name == '\0' ? "" : std::string(1, name)), EINVAL);
    }
    if (!is_plain(value)) return base::fail("user name \"" + ascii::printable(user) + "\" is not fit for a path", EINVAL);
    out += value;
  }
  return out;
}

Result<Location> Location::parse(std::string_view text, const Variables& variables) {
  Location location;
  if (text.starts_with("maildir:")) {
    location.kind = Kind::maildir;
  } else if (text.starts_with("mbox:")) {
    location.kind = Kind::mbox;
    location.layout = Layout::fs;
  } else {
    return base::fail("mail location: \"" + std::string(text) + "\" begins with neither maildir: nor mbox:", EINVAL);
  }
  text.remove_prefix(text.find(':') + 1);
  const std::size_t colon = std::min(text.find(':'), text.size());
  location.root = TRY(path_of(text.substr(0, colon), variables));
  for (const std::string_view option : ascii::split(text.substr(colon), ":")) TRY(take_option(location, option, variables));
  if (location.inbox.empty()) location.inbox = location.kind == Kind::maildir ? location.root : location.root + "/inbox";
  return location;
}

}  // namespace store
