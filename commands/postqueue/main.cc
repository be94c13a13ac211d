// postqueue(1): lists and flushes the queue for any user whom authorized_mailq_users and authorized_flush_users allow. Setgid
// postdrop to reach showq and qmgr in public/; reads the queue itself only for root while the mail system is down.

#include <cstdio>
#include <optional>
#include <utility>

#include <sysexits.h>
#include <unistd.h>

#include "commands/postqueue/access.h"
#include "commands/postqueue/listing.h"
#include "commands/postqueue/postqueue_params.h"
#include "commands/postqueue/requests.h"
#include "lib/base/ascii.h"
#include "lib/base/host_name.h"
#include "lib/config/command_directory.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

namespace {

constexpr std::string_view usage =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";
constexpr std::chrono::seconds listing_limit{3600};

[[noreturn]] void die(int status, std::string_view text) { maillog::exit_fatal(text, status); }

struct Options {
  char action = 0;
  std::string argument;
  std::optional<std::string> directory;
};

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "+c:fi:jps:v")) != -1;) {
    if (option == 'v') continue;
    if (option == 'c') {
      options.directory = optarg;
      continue;
    }
    if (option == '?' || options.action != 0) die(EX_UNAVAILABLE, usage);
    options.action = static_cast<char>(option);
    if (optarg != nullptr) options.argument = optarg;
  }
  if (options.action == 0 || optind < argc) die(EX_UNAVAILABLE, usage);
  return options;
}

// Root may look at the queue itself when showq is down; one uid stands for all in a private instance.
void list_directly(const postqueue::Params& params, postqueue::Printer& printer) {
  const queue::Layout layout(params.queue_directory + "/", params.hash_queue_names, params.hash_queue_depth);
  for (const queue::Queue queue : queue::listed_queues) {
    for (const queue::QueueId& id : queue::list_ids(layout, queue)) {
      if (const auto message = queue::read_listed(layout, queue, id)) printer.print(*message);
    }
  }
}

Result<void> list(const postqueue::Params& params, postqueue::Printer& printer) {
  const Deadline deadline = base::after(listing_limit);
  auto socket = io::connect_unix(params.queue_directory + "/public/" + params.showq_service_name, deadline);
  if (!socket) {
    const std::string why = "Connect to the Postfix showq service: " + base::Error::system("", socket.error().code()).message().substr(2);
    if (::access((params.queue_directory + "/deferred").c_str(), R_OK) != 0) {
      return base::fail("Queue report unavailable - mail system is down (" + why + ")");
    }
    maillog::warning("Mail system is down -- accessing queue directly ({})", why);
    list_directly(params, printer);
    return {};
  }
  io::Stream stream(std::move(*socket));
  TRY(queue::read_listing_start(stream, deadline));
  for (;;) {
    const auto message = TRY(queue::read_listing_next(stream, deadline));
    if (!message) return {};
    printer.print(*message);
  }
}

// What flush(8) says to a request.
ipc::FlushStatus asked(const postqueue::Params& params, const queue::FlushSites& sites, const ipc::FlushRequest& request) {
  const auto answer = postqueue::ask_flush(params, sites, request);
  if (answer && *answer != ipc::FlushStatus::failed) return *answer;
  if (!answer) maillog::warning("{}", answer.error().message());
  die(EX_UNAVAILABLE, "Cannot flush mail queue - mail system is down");
}

queue::FlushSites flush_sites(const config::Main& main_cf, const postqueue::Params& params) {
  auto sites = queue::FlushSites::open(main_cf, params, nullptr);
  if (!sites) die(EX_UNAVAILABLE, sites.error().message());
  return std::move(*sites);
}

int flush_message(const config::Main& main_cf, const postqueue::Params& params, const std::string& id) {
  const queue::FlushSites sites = flush_sites(main_cf, params);
  // A name that is no id is that of no message.
  static_cast<void>(asked(params, sites, {.command = ipc::FlushCommand::send_file, .site = {}, .queue_id = id}));
  return 0;
}

// A host name, or an address as in an email address: "[192.0.2.1]".
bool is_site(std::string_view text) {
  if (!text.starts_with('[')) return base::is_host_name(text);
  return mail::parse_path("<x@" + std::string(text) + ">", {.strict_envelopes = true}).has_value();
}

int flush_site(const config::Main& main_cf, const postqueue::Params& params, const std::string& site) {
  const queue::FlushSites sites = flush_sites(main_cf, params);
  const auto is_listed = sites.has(site);
  if (!is_listed) die(EX_UNAVAILABLE, is_listed.error().message());
  if (*is_listed &&
      asked(params, sites, {.command = ipc::FlushCommand::send_site, .site = site, .queue_id = {}}) == ipc::FlushStatus::ok) {
    return 0;
  }
  die(EX_UNAVAILABLE, "Flush service is not configured for destination \"" + site + "\"");
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postqueue");
  const Options options = parse_options(argc, argv);
  const auto directory = config::command_directory(options.directory);
  if (!directory) die(EX_UNAVAILABLE, directory.error().message());
  const auto main_cf = config::Main::read(*directory);
  if (!main_cf) die(EX_UNAVAILABLE, main_cf.error().message());
  const auto params = postqueue::Params::load(*main_cf);
  if (!params) die(EX_UNAVAILABLE, params.error().message());
  config::open_log(*main_cf, "postqueue", config::LogUser::command);

  const bool lists = options.action == 'p' || options.action == 'j';
  if (const auto allowed = postqueue::check_access(*main_cf, *params, lists); !allowed) die(EX_UNAVAILABLE, allowed.error().message());
  switch (options.action) {
    case 'p':
    case 'j': {
      postqueue::Printer printer(lists && options.action == 'j' ? postqueue::Format::json : postqueue::Format::table, params->enable_long_queue_ids);
      if (const auto listed = list(*params, printer); !listed) die(EX_UNAVAILABLE, listed.error().message());
      printer.finish();
      if (std::fflush(stdout) != 0) die(EX_UNAVAILABLE, base::Error::system("output write error").message());
      return 0;
    }
    case 'i':
      if (!queue::is_safe_name(options.argument)) die(EX_UNAVAILABLE, "Cannot flush queue ID - invalid name: \"" + options.argument + "\"");
      return flush_message(*main_cf, *params, options.argument);
    case 's':
      if (!is_site(options.argument)) die(EX_UNAVAILABLE, "Cannot flush mail queue - invalid destination: \"" + options.argument + "\"");
      return flush_site(*main_cf, *params, options.argument);
    default:
      if (!postqueue::flush_all(*params)) die(EX_UNAVAILABLE, "Cannot flush mail queue - mail system is down");
      return 0;
  }
}
