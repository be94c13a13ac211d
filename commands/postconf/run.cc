#include "commands/postconf/run.h"

#include <cstdio>
#include <string_view>

#include <fmt/core.h>

#include "commands/postconf/edit_main.h"
#include "commands/postconf/edit_master.h"
#include "commands/postconf/known.h"
#include "commands/postconf/layout.h"
#include "commands/postconf/options.h"
#include "commands/postconf/selection.h"
#include "commands/postconf/service_options.h"
#include "commands/postconf/show.h"
#include "commands/postconf/templates.h"
#include "commands/postconf/tls_library.h"
#include "lib/config/file.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/maps/registry.h"

namespace postconf {

namespace {

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& text : warnings) maillog::warning("{}", text);
  maillog::flush();
}

Result<void> print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return base::fail_system("write standard output");
  }
  return {};
}

Result<void> edit(const Options& options) {
  const bool is_main = options.subject == Subject::parameters;
  const std::string path = options.config_directory + (is_main ? "/main.cf" : "/master.cf");
  config::FileEdit file = TRY(config::FileEdit::begin(path));
  const Edited edited = TRY(is_main ? edit_main(options.action, options.names, file.text(), path)
                                    : edit_master(options.subject, options.action, options.names, file.text(), path));
  warn(edited.warnings);
  return std::move(file).commit(edited.text);
}

// The services in normal form. Parameters can be shown without master.cf, with a warning; services cannot.
Result<std::vector<config::MasterLine>> read_services(const Options& options, std::vector<std::string>& warnings) {
  const std::string path = options.config_directory + "/master.cf";
  auto text = io::read_file(path, config::max_file_size);
  if (!text) {
    if (options.subject != Subject::parameters) return base::Failure(std::move(text).error());
    warnings.push_back(text.error().message());
    return {};
  }
  std::vector<config::MasterLine> services;
  for (const config::MasterLine& line : TRY(config::parse_master_lines(*text, path))) {
    TRY(check_fields(line, line.text));
    services.push_back(normal_form(line, warnings));
  }
  return services;
}

Result<void> show(const Options& options) {
  const bool defaults = options.show == Show::defaults;
  const config::Main main = TRY(defaults ? config::Main::parse("", options.config_directory, options.overrides)
                                         : config::Main::read(options.config_directory, options.overrides));
  std::vector<std::string> warnings(main.warnings().begin(), main.warnings().end());
  const std::vector<config::MasterLine> services = TRY(read_services(options, warnings));
  const Known known(main, services);
  warn(warnings);
  if (!defaults) warn(known.warnings_before());
  const Answer answer = TRY(options.subject == Subject::parameters ? show_parameters(options, main, known)
                                                                   : show_services(options, main, services));
  warn(answer.warnings);
  TRY(print(answer.output));
  if (!defaults) warn(known.warnings_after(options));
  return {};
}

// -T: what it does not know is a warning only.
int show_tls(std::string_view mode) {
  const Result<std::string> answer = about_tls_library(mode);
  if (!answer) {
    maillog::warning("{}", answer.error().message());
    maillog::flush();
    return 1;
  }
  if (const Result<void> done = print(*answer); !done) maillog::fatal("{}", done.error().message());
  return 0;
}

Result<void> show_table_types(const Options& options) {
  const config::Main main = TRY(config::Main::read(options.config_directory, options.overrides));
  return print(maps::type_names("\n", TRY(maps::Tables::Options::of(main)).modules) + '\n');
}

Result<void> perform(const Options& options) {
  switch (options.subject) {
    case Subject::parameters:
    case Subject::services:
    case Subject::fields:
    case Subject::service_parameters: return options.action == Action::show ? show(options) : edit(options);
    case Subject::table_types: return show_table_types(options);
    // How mailboxes may be locked: mailbox_delivery_lock.
    case Subject::lock_types: return print("flock\nfcntl\ndotlock\n");
    case Subject::server_sasl: return print("cyrus\ndovecot\n");
    case Subject::client_sasl: return print("cyrus\n");
    case Subject::templates:
    case Subject::expanded_templates: return print(TRY(show_templates(options)));
    case Subject::tls: break;
  }
  return {};
}

}  // namespace

int run(int argc, char** argv) {
  maillog::set_tag("postconf");
  const Result<Options> options = parse_options(argc, argv);
  if (!options) maillog::fatal("{}", options.error().message());
  if (options->subject == Subject::tls) return show_tls(options->tls_mode);
  const Result<void> done = perform(*options);
  if (!done) maillog::fatal("{}", done.error().message());
  return 0;
}

}  // namespace postconf
