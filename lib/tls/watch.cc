#include "lib/tls/watch.h"

#include <string_view>

#include "lib/base/ascii.h"

namespace tls {

void watch(const Credentials& credentials, const std::string& ca_file, const std::function<void(const std::string&)>& watch_file) {
  for (const std::string_view path : ascii::split(credentials.chain_files, ", \t\r\n")) watch_file(std::string(path));
  for (const KeyPair* const pair : {&credentials.rsa, &credentials.dsa, &credentials.ec}) {
    if (pair->certificate_file.empty() || pair->certificate_file == "none") continue;
    watch_file(pair->certificate_file);
    if (!pair->key_file.empty()) watch_file(pair->key_file);
  }
  if (!ca_file.empty()) watch_file(ca_file);
}

}  // namespace tls
