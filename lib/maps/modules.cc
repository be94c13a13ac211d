#include "lib/maps/modules.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include <dlfcn.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/maps/module.h"

namespace maps {
namespace {

constexpr std::size_t lines_limit = 1024 * 1024;  // bytes of one dynamicmaps.cf
constexpr std::string_view prefix = "valija-";
constexpr std::string_view suffix = ".so";

// The type becomes part of a file's name.
bool is_type_name(std::string_view type) {
  return !type.empty() && std::ranges::all_of(type, [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-'; });
}

// What is loaded runs with our privileges: nobody but root and ourselves may be able to write it.
Result<void> check_owner(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return base::fail_system(fmt::format("load {}", path));
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) return base::fail(fmt::format("load {}: the file must be owned by root", path));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return base::fail(fmt::format("load {}: the file is writable by others", path));
  return {};
}

Result<const module::Module*> load(const std::string& path) {
  TRY(check_owner(path));
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return base::fail(fmt::format("load {}: {}", path, ::dlerror()));
  const auto entry = reinterpret_cast<module::Entry>(::dlsym(handle, module::entry_name));
  if (entry == nullptr) return base::fail(fmt::format("load {}: this is no table module of this suite", path));
  const module::Module* const found = entry();
  if (found->version != module::interface_version) return base::fail(fmt::format("load {}: the module is of another release", path));
  return found;
}

}  // namespace

void Modules::read_lines_of(const std::string& path) {
  const auto text = io::read_file(path, lines_limit);
  if (!text) {
    if (text.error().code() != ENOENT) maillog::warning("{}", text.error().message());
    return;
  }
  for (std::string_view line : ascii::split(*text, "\n")) {
    line = ascii::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    const std::vector<std::string_view> words = ascii::split(line, " \t");
    if (words.size() < 3 || words.size() > 4 || !is_type_name(words[0])) {
      maillog::warning("{}: bad line is ignored: {}", path, line);
      continue;
    }
    if (words[2] != module::entry_name) continue;  // a plugin of Postfix's
    const std::string file(words[1]);
    files_[std::string(words[0])] = file.starts_with('/') ? file : fmt::format("{}/{}", places_.shlib_directory, file);
  }
}

void Modules::read_lines() {
  if (has_read_) return;
  has_read_ = true;
  if (places_.meta_directory.empty()) return;
  const std::string path = places_.meta_directory + "/dynamicmaps.cf";
  read_lines_of(path);
  std::set<std::string> more;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path + ".d", error)) {
    if (entry.path().extension() == ".cf") more.insert(entry.path());
  }
  for (const std::string& file : more) read_lines_of(file);
}

std::string Modules::file_of(std::string_view type) {
  read_lines();
  const auto found = files_.find(type);
  return found != files_.end() ? found->second : fmt::format("{}/{}{}{}", places_.shlib_directory, prefix, type, suffix);
}

Result<const module::Module*> Modules::find(std::string_view type) {
  if (places_.shlib_directory.empty() || !is_type_name(type)) return nullptr;
  if (const auto found = loaded_.find(type); found != loaded_.end()) return found->second;
  const std::string path = file_of(type);
  if (::access(path.c_str(), F_OK) != 0) return nullptr;
  const module::Module* const found = TRY(load(path));
  loaded_[std::string(type)] = found;
  return found;
}

std::vector<std::string> Modules::names() {
  std::set<std::string> names;
  if (places_.shlib_directory.empty()) return {};
  read_lines();
  for (const auto& [type, path] : files_) {
    if (::access(path.c_str(), F_OK) == 0) names.insert(type);
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(places_.shlib_directory, error)) {
    const std::string file = entry.path().filename();
    if (file.size() <= prefix.size() + suffix.size() || !file.starts_with(prefix) || !file.ends_with(suffix)) continue;
    names.insert(file.substr(prefix.size(), file.size() - prefix.size() - suffix.size()));
  }
  return {names.begin(), names.end()};
}

}  // namespace maps
