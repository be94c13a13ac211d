#include "lib/tls/configuration.h"

#include <memory>

#include <fmt/format.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "lib/tls/openssl.h"

namespace tls {
namespace {

using SettingsPtr = std::unique_ptr<OPENSSL_INIT_SETTINGS, Release<&OPENSSL_INIT_free>>;

}  // namespace

Result<void> load_configuration(const CommonSettings& settings) {
  const std::string& file = settings.config_file;
  const char* const name = settings.config_name.empty() ? nullptr : settings.config_name.c_str();
  if (file == "default") {
    if (name == nullptr) return {};   // so does the library, when it begins
    const SettingsPtr init(OPENSSL_INIT_new());
    if (!init || OPENSSL_INIT_set_config_appname(init.get(), name) != 1) return base::fail("error initializing the OpenSSL library");
    static_cast<void>(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, init.get()));
    ERR_clear_error();
    return {};
  }
  if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) return base::fail("error initializing the OpenSSL library");
  if (file == "none") return {};
  if (!file.starts_with('/')) return base::fail(fmt::format("non-default tls_config_file = {} is not an absolute pathname", file));
  if (CONF_modules_load_file(file.c_str(), name, 0) == 1) return {};
  return base::fail(fmt::format("error loading the '{}' settings from the {} OpenSSL configuration file", name == nullptr ? "global" : name, file));
}

}  // namespace tls
