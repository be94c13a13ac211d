#include "imapd/owner.h"

#include <memory>

#include "imapd/quota_rules.h"
#include "imapd/session.h"
#include "imapd/site.h"
#include "lib/owner/service.h"

namespace imapd {

Result<std::unique_ptr<server::Service>> make_owner(server::Startup& startup) {
  const auto site = std::make_shared<const Site>(TRY(Site::make(startup)));
  const Params& params = site->params;
  const auto rules = std::make_shared<const QuotaRules>(TRY(QuotaRules::make(startup, params)));
  const owner::Settings settings{.program = "imapd-owner",
                                 .service = "imap",
                                 .auth_service = params.auth_service_name,
                                 .mail_location = owner::location_of(params.mail_location, params.home_mailbox, params.mail_spool_directory),
                                 .user_sessions_limit = params.imapd_client_connection_count_limit,
                                 .quota_of = [rules](const std::string& user) { return rules->of(user); }};
  return TRY(owner::Service::make(startup, settings, [site](owner::Session& session) { Session(session, *site).run(); }));
}

}  // namespace imapd
