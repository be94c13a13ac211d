#include "imapd/site.h"

namespace imapd {

Result<Site> Site::make(server::Startup& startup) {
  Site site{.params = TRY(Params::load(startup.main)), .special_folders = {}};
  auto folders = store::parse_special_folders(site.params.mail_special_folders);
  if (!folders) return base::Failure(std::move(folders).error().within("mail_special_folders"));
  site.special_folders = std::move(*folders);
  const std::string& prefix = site.params.imapd_namespace_prefix;
  const std::string& separator = site.params.imapd_namespace_separator;
  if (!prefix.empty() && !separator.empty() && !prefix.ends_with(separator)) {
    return base::fail("imapd_namespace_prefix does not end with imapd_namespace_separator");
  }
  return site;
}

}  // namespace imapd
