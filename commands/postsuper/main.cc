// postsuper(1): deletes, holds, releases, requeues and expires messages. Run by root (or the owner of a private instance),
// works as the mail owner; puts names and places of queue files right. Renames and removes queue files; what it does to a message is done or not done, never half.

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "commands/postsuper/operations.h"
#include "commands/postsuper/postsuper_params.h"
#include "commands/postsuper/purge.h"
#include "commands/postsuper/structure.h"
#include "lib/base/ascii.h"
#include "lib/config/log_setup.h"
#include "lib/config/main_cf.h"
#include "lib/io/stream.h"
#include "lib/log/log.h"
#include "lib/process/account.h"
#include "lib/queue/listing.h"

namespace {

using postsuper::Operation;

constexpr std::string_view usage =
    "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or un-hold)] "
    "[-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] "
    "[-S (redundant structure fix)][-v (verbose)] [queue...]";
constexpr std::size_t input_line_limit = 100;
constexpr const char* letters = "+c:d:e:f:h:H:pr:sSv";

struct Request {
  std::vector<Operation> operations;   // one after the other on each message
  std::string id;   // an id, "ALL", or "-" for ids on standard input
};

struct Options {
  std::string directory = config::config_directory_from_environment();
  std::vector<Request> requests;
  std::vector<queue::Queue> queues;
  bool purge = false;
  std::optional<postsuper::Names> structure;
};

Options parse_options(int argc, char** argv) {
  static const std::map<char, std::vector<Operation>> changes{{'d', {Operation::erase}},
                                                              {'e', {Operation::expire}},
                                                              {'f', {Operation::expire, Operation::release}},
                                                              {'h', {Operation::hold}},
                                                              {'H', {Operation::release}},
                                                              {'r', {Operation::requeue}}};
  Options options;
  for (int option; (option = ::getopt(argc, argv, letters)) != -1;) {
    if (option == 'c') options.directory = optarg;
    if (option == 'p') options.purge = true;
    if (option == 's') options.structure = postsuper::Names::short_ids;
    if (option == 'S') options.structure = postsuper::Names::all_ids;
    if (option == '?') maillog::fatal("{}", usage);
    if (const auto found = changes.find(static_cast<char>(option)); found != changes.end()) {
      options.requests.push_back({found->second, optarg});
    }
  }
  for (int i = optind; i < argc; ++i) {
    const auto found = queue::find_queue(argv[i]);
    if (!found || *found == queue::Queue::corrupt || *found == queue::Queue::saved) maillog::fatal("invalid directory name: {}", argv[i]);
    options.queues.push_back(*found);
  }
  if (options.requests.empty() && !options.purge && !options.structure) {
    options.purge = true;
    options.structure = postsuper::Names::short_ids;
  }
  return options;
}

class Superuser {
 public:
  Superuser(const queue::Layout& layout, const Options& options) : layout_(layout), options_(options) {}

  void run() {
    const std::vector<queue::Queue> named = options_.queues.empty() ? postsuper::structured_queues() : options_.queues;
    if (options_.purge) {
      // The look at the structure tells of names that are none, and of more.
      const auto bogus = options_.structure ? postsuper::BogusNames::not_told : postsuper::BogusNames::told;
      postsuper::purge(layout_, named, std::chrono::system_clock::now(), bogus);
    }
    if (options_.structure) fix_structure(named, *options_.structure);
    for (const Request& request : options_.requests) {
      if (request.id == "-") {
        from_input(request.operations);
        continue;
      }
      for (const Operation operation : request.operations) {
        counts_[operation] += request.id == "ALL" ? all(operation) : one(operation, request.id);
      }
    }
    for (const auto& [operation, count] : counts_) {
      maillog::info("{}: {} message{}", postsuper::words(operation).all, count, count == 1 ? "" : "s");
    }
  }

 private:
  void fix_structure(const std::vector<queue::Queue>& queues, postsuper::Names names) {
    const auto renamed = postsuper::fix_structure(layout_, queues, names);
    if (!renamed) {
      maillog::write(maillog::Level::fatal, renamed.error().message());
      maillog::warning("OPERATION INCOMPLETE -- RERUN COMMAND TO FIX THE QUEUE FIRST");
      maillog::flush();
      std::exit(1);
    }
    if (*renamed == 0) return;
    maillog::info("Renamed to match inode number: {} message{}", *renamed, *renamed == 1 ? "" : "s");
    maillog::warning("QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS");
  }

  [[nodiscard]] std::vector<queue::Queue> queues(Operation operation) const {
    std::vector<queue::Queue> out = postsuper::default_queues(operation);
    if (options_.queues.empty()) return out;
    std::erase_if(out, [&](queue::Queue queue) { return std::ranges::find(options_.queues, queue) == options_.queues.end(); });
    return out;
  }

  int one(Operation operation, const std::string& text) {
    if (!queue::is_safe_name(text)) {
      maillog::warning("invalid mail queue id: {}", text);
      return 0;
    }
    const auto id = queue::QueueId::parse(text);
    if (!id) return 0;
    const auto done = postsuper::apply(layout_, operation, *id, queues(operation));
    if (!done) maillog::warning("{}: {}", text, done.error().message());
    if (!done || !*done) return 0;
    maillog::info("{}: {}", text, postsuper::words(operation).one);
    return 1;
  }

  int all(Operation operation) {
    int count = 0;
    for (const queue::Queue queue : queues(operation)) {
      for (const queue::QueueId& id : queue::list_ids(layout_, queue)) count += apply_quietly(operation, id, queue);
    }
    return count;
  }

  // ALL logs only the sum, as there may be very many.
  int apply_quietly(Operation operation, const queue::QueueId& id, queue::Queue queue) {
    const auto done = postsuper::apply(layout_, operation, id, {queue});
    if (!done) maillog::warning("{}: {}", id.text(), done.error().message());
    return done && *done ? 1 : 0;
  }

  void from_input(const std::vector<Operation>& operations) {
    for (const Operation operation : operations) counts_.try_emplace(operation, 0);
    io::Stream input{Fd(::dup(STDIN_FILENO))};
    for (;;) {
      const io::LineResult line = input.read_line(base::no_deadline, input_line_limit);
      if (line.end() != io::End::ok && line.text().empty()) return;
      const std::string text(line.text());
      for (const Operation operation : operations) counts_[operation] += one(operation, text);
      if (line.end() != io::End::ok) return;
    }
  }

  const queue::Layout& layout_;
  const Options& options_;
  std::map<Operation, int> counts_;
};

// The owner of a private instance may do there what root may do anywhere. All others hear nothing else, whatever they say.
void check_caller(int argc, char** argv) {
  if (::getuid() == 0) return;
  ::opterr = 0;
  std::string directory = config::config_directory_from_environment();
  for (int option; (option = ::getopt(argc, argv, letters)) != -1;) {
    if (option == 'c') directory = optarg;
  }
  ::opterr = ::optind = 1;
  const auto main_cf = config::Main::read(directory);
  const std::string name = main_cf ? main_cf->string("mail_owner").value_or("") : "";
  const auto owner = process::find_account(name);
  if (!owner || ::getuid() != owner->uid) maillog::fatal("use of this command is reserved for the superuser");
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postsuper");
  check_caller(argc, argv);
  const Options options = parse_options(argc, argv);
  const auto main_cf = config::Main::read(options.directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  const auto params = postsuper::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  config::open_log(*main_cf, "postsuper", config::LogUser::command);
  const auto owner = process::find_account(params->mail_owner);
  if (!owner) maillog::fatal("{}", owner.error().message());
  ::umask(077);
  if (::geteuid() == 0) {
    if (const auto became = process::become(*owner); !became) maillog::fatal("{}", became.error().message());
  }
  const queue::Layout layout(params->queue_directory + "/", params->hash_queue_names, params->hash_queue_depth);
  Superuser(layout, options).run();
  return 0;
}
