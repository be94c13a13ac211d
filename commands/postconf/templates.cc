#include "commands/postconf/templates.h"

#include <array>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "bounce/template.h"
#include "lib/config/file.h"
#include "lib/config/main_cf.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "lib/log/sink.h"

namespace postconf {

namespace {

struct Shown {
  bounce::Kind kind;
  std::string_view name;
};
constexpr std::array all_kinds{Shown{bounce::Kind::failure, "failure"}, Shown{bounce::Kind::delay, "delay"},
                               Shown{bounce::Kind::success, "success"}, Shown{bounce::Kind::verify, "verify"}};
// What stands in From: when a template does not say, in the form that bounce(5) shows.
constexpr std::string_view standard_from = "Mail Delivery System <MAILER-DAEMON>";

std::string header_lines(const bounce::Template& text) {
  std::string lines = fmt::format("Charset: {}\nFrom: {}\nSubject: {}\n", text.charset,
                                  text.from.empty() ? standard_from : std::string_view(text.from), text.subject);
  if (!text.postmaster_subject.empty()) lines += fmt::format("Postmaster-Subject: {}\n", text.postmaster_subject);
  return lines + '\n';
}

}  // namespace

Result<std::string> show_templates(const Options& options) {
  maillog::open({.standard_error_name = "postfix/bounce"});
  const config::Main main = TRY(config::Main::read(options.config_directory));
  const std::string path = options.names.empty() ? TRY(main.expand("bounce_template_file")) : options.names.front();
  bounce::Templates templates;
  std::vector<std::string> warnings;
  if (!path.empty()) templates.read(TRY(io::read_file(path, config::max_file_size)), path, warnings);
  const bool expanded = options.subject == Subject::expanded_templates;
  const Result<void> done = expanded ? templates.expand(main, warnings) : Result<void>();
  for (const std::string& text : warnings) maillog::warning("{}", text);
  TRY(done);
  std::string output;
  for (const Shown& one : all_kinds) {
    if (!output.empty()) output += '\n';
    output += expanded ? fmt::format("expanded_{}_text = <<EOF\n", one.name)
                       : fmt::format("{}_template = <<EOF\n", one.name) + header_lines(templates[one.kind]);
    for (const std::string& line : templates[one.kind].text) output += line + '\n';
    output += "EOF\n";
  }
  return output;
}

}  // namespace postconf
