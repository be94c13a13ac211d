#pragma once
// Table types that are loaded when the first table of theirs is opened (module.h). Which file has a type: dynamicmaps.cf and
// dynamicmaps.cf.d/*.cf of meta_directory, lines "type file function [function]" with a file below shlib_directory. A line
// for Postfix's own plugin, and no line at all, mean the module that the suite comes with, valija-TYPE.so.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace maps {

namespace module {
struct Module;
}

struct ModulePlaces {
  std::string shlib_directory;  // empty: there are no modules
  std::string meta_directory;   // empty: there is no dynamicmaps.cf
};

class Modules {
 public:
  explicit Modules(ModulePlaces places) : places_(std::move(places)) {}
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;
  ~Modules() = default;

  // Null for a type that nobody has. An error: there is a file for it that cannot be used. What is loaded stays.
  [[nodiscard]] Result<const module::Module*> find(std::string_view type);

  // The types that find() would find a file for.
  [[nodiscard]] std::vector<std::string> names();

 private:
  void read_lines();
  void read_lines_of(const std::string& path);
  [[nodiscard]] std::string file_of(std::string_view type);

  ModulePlaces places_;
  bool has_read_ = false;
  std::map<std::string, std::string, std::less<>> files_;  // by type, of the lines that name a file for us
  std::map<std::string, const module::Module*, std::less<>> loaded_;
};

}  // namespace maps
