#pragma once
// The settings of a table that asks a server: "mysql:/etc/postfix/aliases.cf" has a file in the form of main.cf, whose
// values are taken as they are; "mysql:aliases" has aliases_hosts and the like in main.cf.

#include <map>
#include <string>

#include "lib/maps/module.h"
#include "lib/maps/registry.h"

namespace maps {

class ClientSettings final : public module::Settings {
 public:
  static Result<std::unique_ptr<ClientSettings>> read(const OpenRequest& request);

  [[nodiscard]] const std::string& source() const override { return source_; }
  [[nodiscard]] Result<std::string> string(std::string_view name, std::string_view fallback) const override;
  [[nodiscard]] Result<std::string> needed(std::string_view name, std::string_view fallback) const override;
  [[nodiscard]] Result<bool> boolean(std::string_view name, bool fallback) const override;
  [[nodiscard]] Result<int> integer(std::string_view name, int fallback, int least) const override;

  // Whether the name is of a file.
  [[nodiscard]] static bool is_file(std::string_view name) { return name.starts_with('/') || name.starts_with('.'); }

 private:
  // The value, none when it is not set.
  [[nodiscard]] Result<std::optional<std::string>> find(std::string_view name) const;
  // "FILE: what: name = ", or of main.cf "what: table_name = ".
  [[nodiscard]] base::Failure bad(std::string_view what, std::string_view name, std::string_view value) const;

  std::string source_;
  bool is_file_ = false;
  std::map<std::string, std::string, std::less<>> values_;       // of the file
  std::function<Result<std::optional<std::string>>(const std::string&)> main_setting_;
};

}  // namespace maps
