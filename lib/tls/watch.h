#pragma once
// Certificates are renewed under a process that runs.

#include <functional>
#include <string>

#include "lib/tls/settings.h"

namespace tls {

// Names each file whose change makes a context old.
void watch(const Credentials& credentials, const std::string& ca_file, const std::function<void(const std::string&)>& watch_file);

}  // namespace tls
