// smtp-source(1): sends messages of its own to a server by SMTP or LMTP, to see what the server can take. Run by anybody;
// reads nothing but its command line and the file that it names.

#include "commands/load/acceptor.h"
#include "commands/load/smtp-source/message.h"
#include "commands/load/smtp-source/options.h"
#include "commands/load/smtp-source/session.h"
#include "lib/log/log.h"

namespace {

template <class T>
T or_fatal(Result<T> result) {
  if (!result) maillog::fatal("{}", result.error().message());
  return std::move(*result);
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/smtp-source");
  const smtp_source::Options options = smtp_source::parse_options(argc, argv);
  load::raise_descriptor_limit();
  const std::string content = options.file ? or_fatal(smtp_source::content_of_file(*options.file)) : smtp_source::body(options.length);
  const load::Target target = or_fatal(load::Target::to_connect(options.target, "smtp", options.families));
  load::Work work(options.pace);
  smtp_source::Shared shared{.options = options, .target = target, .content = content, .work = work};
  load::run_sessions(work, "smtp-source", [&shared] { smtp_source::Session(shared).run(); });
}
