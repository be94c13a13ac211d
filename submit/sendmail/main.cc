// sendmail(1), mailq(1), newaliases(1): the commands that people and programs know. Run by anybody, with no rights of
// their own: a message goes to postdrop(1), everything else to the command whose task it is. What they say is on disk is
// on disk: exit status 0 follows postdrop's word. When they die before that, there is no message.

#include <cstdlib>

#include <sysexits.h>

#include "lib/config/command_directory.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"
#include "submit/environment.h"
#include "submit/sendmail/actions.h"
#include "submit/sendmail/options.h"

namespace {

template <class T>
T or_fatal(Result<T> result) {
  if (!result) maillog::exit_fatal(result.error().message(), EX_TEMPFAIL);
  return std::move(*result);
}

std::string_view program_name(int argc, char** argv) {
  const std::string_view path = argc > 0 ? argv[0] : "sendmail";
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

int main(int argc, char** argv) {
  submit::make_surroundings_sane();
  const std::string name(program_name(argc, argv));
  maillog::set_tag("postfix/" + name);
  sendmail::Options options = or_fatal(sendmail::parse_options(argc, argv));
  const std::string directory = or_fatal(config::command_directory(options.config_directory));
  const config::Main main = or_fatal(config::Main::read(directory));
  const sendmail::Params params = or_fatal(sendmail::Params::load(main));
  const submit::User user = submit::current_user();
  config::open_log(main, name, config::LogUser::command);
  options.respect(params.requiretls_enable, params.smtputf8_enable);
  for (const std::string& warning : options.warnings) maillog::warning("{}", warning);
  if (sendmail::submits(options.mode)) {
    const auto allowed = submit::may_submit(main, user, params.authorized_submit_users);
    if (!allowed) maillog::exit_fatal(allowed.error().message(), EX_TEMPFAIL);
  }
  return sendmail::run(params, options, user, directory);
}
