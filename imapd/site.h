#pragma once
// What all sessions of the process are told; made before the first.

#include <vector>

#include "imapd/imapd_params.h"
#include "lib/server/service.h"
#include "lib/store/special_use.h"

namespace imapd {

struct Site {
  Params params;
  std::vector<store::SpecialFolder> special_folders;   // mail_special_folders

  static Result<Site> make(server::Startup& startup);
};

}  // namespace imapd
