#pragma once
// Which parameter names mean something on this system: those of the records, SERVICE_... names of the services that
// master.cf has, and names of the administrator's own. An own name counts when another value refers to it ("$name"), when
// smtpd_restriction_classes lists it, or when it configures a database table in the old manner ("NAME_server_host" for
// "ldap:NAME").

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands/postconf/options.h"
#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"

namespace postconf {

// The names that a text refers to, in order, repeated ones too.
[[nodiscard]] std::vector<std::string> references(std::string_view text);

class Known {
 public:
  // `services` are in normal form.
  Known(const config::Main& main, std::span<const config::MasterLine> services);

  [[nodiscard]] bool contains(std::string_view name, const Classes& classes) const;

  // All names of the classes, sorted.
  [[nodiscard]] std::vector<std::string> names(const Classes& classes) const;

  // What to tell the administrator before the answer: references to nothing, comments behind a value, text that is no
  // macro; and after it: settings that nothing uses, names on their way out (unless -q). Those of main.cf when parameters were asked for, those of master.cf always.
  [[nodiscard]] std::vector<std::string> warnings_before() const;
  [[nodiscard]] std::vector<std::string> warnings_after(const Options& options) const;

 private:
  void find_service_names();
  void find_user_names();
  void find_database_names(std::string_view value);
  // Takes own names out of `text` and of what they stand for.
  void take_references(std::string_view text, std::span<const config::Entry> local);
  [[nodiscard]] bool is_defined(std::string_view name, std::span<const config::Entry> local) const;

  const config::Main& main_;
  const std::span<const config::MasterLine> services_;
  std::set<std::string, std::less<>> service_names_, user_names_;
};

}  // namespace postconf
