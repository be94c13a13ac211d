// qshape(1): the distribution of queued mail by domain and age. Run by whoever may read queue files, which is root and
// the mail owner. It only reads.

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/core.h>

#include <unistd.h>

#include "commands/qshape/ages.h"
#include "commands/qshape/counts.h"
#include "commands/qshape/qshape_params.h"
#include "commands/qshape/scan.h"
#include "commands/qshape/table.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace {

constexpr int bad_usage = 255;
constexpr std::size_t columns_limit = 60;   // an age of 2^60 minutes
constexpr std::size_t width_min = 80;
constexpr std::string_view usage =
    "Usage: qshape [-s] [-p] [-m min_subdomains] [-l] [-b bucket_count] [-t bucket_time]\n"
    "\t[-w terminal_width] [-N batch_msg_count] [-n batch_top_domains]\n"
    "\t[-c config_directory] [queue_name ...]\n"
    "Shows how many recipients (-s: messages, by sender) of each domain wait in the incoming and active queues, or in\n"
    "those that are named, by age in minutes. The last column is for all that is older. qshape(1) tells more.\n";

struct Options {
  qshape::Whom whom = qshape::Whom::recipients;
  qshape::Parents parents = qshape::Parents::left_out;
  qshape::Scale scale = qshape::Scale::doubling;
  std::uint64_t children_min = 5;
  std::size_t columns = 10;
  double first_limit = 5;
  std::size_t width = width_min;
  std::size_t batch = 1000;
  std::size_t batch_rows = 20;
  std::string directory = config::config_directory_from_environment();
  std::vector<std::string> queues;
};

// The number that the text begins with when it is more than nothing, else what there was: a wrong number is no reason to
// show nothing.
template <class T>
void read_number(const char* text, T& value) {
  double number = 0;
  std::from_chars(text, text + std::string_view(text).size(), number);
  constexpr double most = 1e9;
  if (static_cast<T>(std::min(number, most)) > T{}) value = static_cast<T>(std::min(number, most));
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int option; (option = ::getopt(argc, argv, "+hslpw:b:t:m:n:N:c:")) != -1;) {
    switch (option) {
      case 's': options.whom = qshape::Whom::senders; break;
      case 'p': options.parents = qshape::Parents::counted; break;
      case 'l': options.scale = qshape::Scale::linear; break;
      case 'm': read_number(optarg, options.children_min); break;
      case 'b': read_number(optarg, options.columns); break;
      case 't': read_number(optarg, options.first_limit); break;
      case 'w': read_number(optarg, options.width); break;
      case 'N': read_number(optarg, options.batch); break;
      case 'n': read_number(optarg, options.batch_rows); break;
      case 'c': options.directory = optarg; break;
      default:
        std::fwrite(usage.data(), 1, usage.size(), stderr);
        std::exit(bad_usage);
    }
  }
  options.columns = std::min(options.columns, columns_limit);
  options.width = std::max(options.width, width_min);
  options.queues.assign(argv + optind, argv + argc);
  if (options.queues.empty()) options.queues = {"incoming", "active"};
  return options;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    maillog::fatal("{}", base::Error::system("standard output").message());
  }
}

void show(const Options& options) {
  // A terminal gets what there is so far every now and then, and only as much as it can show.
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const qshape::Ages ages(options.columns, options.first_limit, options.scale);
  qshape::Counts counts(ages.size(), options.parents);
  const qshape::Layout layout{.width = options.width,
                              .rows = is_terminal ? options.batch_rows : SIZE_MAX,
                              .children_min = options.children_min};
  const auto print_table = [&] {
    constexpr std::string_view clear_screen = "\x1b[H\x1b[2J\x1b[3J";
    print((is_terminal ? std::string(clear_screen) : std::string()) + qshape::table(counts, ages, layout));
  };

  const Stamp now = base::system_clock().stamp();
  std::size_t messages = 0;
  const qshape::Visitor visitor{
      .address = [&](const qshape::Found& found) {
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - found.arrived);
        counts.add(qshape::domain_of(found.address), ages.column(age));
      },
      .message = [&] {
        if (++messages % options.batch == 0 && is_terminal) print_table();
      }};
  for (const std::string& queue : options.queues) {
    if (const auto done = qshape::scan(queue, options.whom, visitor); !done) {
      fmt::print(stderr, "{}\n", done.error().message());
    }
  }
  print_table();
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/qshape");
  const Options options = parse_options(argc, argv);
  const auto main_cf = config::Main::read(options.directory);
  if (!main_cf) maillog::fatal("{}", main_cf.error().message());
  const auto params = qshape::Params::load(*main_cf);
  if (!params) maillog::fatal("{}", params.error().message());
  if (::chdir(params->queue_directory.c_str()) != 0) {
    maillog::fatal("{}", base::Error::system("chdir " + params->queue_directory).message());
  }
  show(options);
}
