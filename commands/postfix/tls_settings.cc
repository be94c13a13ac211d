#include "commands/postfix/tls_settings.h"

#include "commands/postfix/programs.h"
#include "lib/base/ascii.h"
#include "lib/config/record.h"

namespace postfix {
namespace {

bool is_of(std::string_view name, TlsRole role) {
  const std::string_view program = role == TlsRole::client ? "smtp_" : "smtpd_";
  if (!name.starts_with(program)) return false;
  name.remove_prefix(program.size());
  return name.starts_with("tls_") || name == "use_tls" || name == "enforce_tls" || name == "starttls_timeout";
}

}  // namespace

Result<bool> is_default(const config::Main& main, TlsRole role) {
  for (const config::Record& record : config::records()) {
    const config::Entry* const entry = is_of(record.name(), role) ? main.find(record.name()) : nullptr;
    if (entry != nullptr && entry->value != record.default_text()) return false;
  }
  return true;
}

Result<void> change_settings(const Context& context, const std::vector<std::string>& settings) {
  std::vector<std::string> argv{context.params.command_directory + "/postconf", "-c", context.config_directory, "-e"};
  argv.insert(argv.end(), settings.begin(), settings.end());
  const Output output = TRY(run_and_read(context, argv));
  if (!output.is_good) return base::fail(std::string(ascii::trim(output.err)));
  return {};
}

}  // namespace postfix
