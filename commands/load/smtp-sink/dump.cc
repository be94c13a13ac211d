#include "commands/load/smtp-sink/dump.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <random>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/io/file.h"
#include "lib/mail/date.h"

namespace smtp_sink {
namespace {

constexpr mode_t file_mode = 0644, directory_mode = 0755;
constexpr int names_limit = 100;   // tried before a file of one's own is given up

std::string expand(const std::string& text, Stamp now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 4096> out{};
  return std::string(out.data(), std::strftime(out.data(), out.size(), text.c_str(), &local));
}

Result<void> make_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (::mkdir(parent.c_str(), directory_mode) != 0 && errno != EEXIST) return base::fail_system("mkdir " + parent);
  }
  return {};
}

Result<Fd> open_below(const std::string& path, int flags) {
  auto file = io::open_file(path, flags | O_WRONLY | O_CREAT, file_mode);
  if (file || file.error().code() != ENOENT) return file;
  TRY(make_parents(path));
  return io::open_file(path, flags | O_WRONLY | O_CREAT, file_mode);
}

}  // namespace

Result<Dump> Dump::open(const Options& options, Stamp now) {
  std::random_device random;
  const std::string name = expand(options.dump_template, now);
  if (options.dumping == Dumping::one_file) return Dump(name, TRY(open_below(name, O_APPEND)), random(), false);
  for (int i = 0;; ++i) {
    const std::uint32_t id = random();
    const std::string path = fmt::format("{}{:08x}", name, id);
    auto file = open_below(path, O_EXCL);
    if (file) return Dump(path, std::move(*file), id, true);
    if (file.error().code() != EEXIST || i == names_limit) return base::Failure(std::move(file).error());
  }
}

Dump::~Dump() {
  if (file_ && own_) ::unlink(path_.c_str());
}

void Dump::begin(const Options& options, const Envelope& envelope, Stamp now) {
  text_ = options.dump_start;
  text_ += fmt::format("X-Client-Addr: {}\nX-Client-Proto: {}\n", envelope.client_address, envelope.protocol);
  if (!envelope.helo.empty()) text_ += fmt::format("X-Helo-Args: {}\n", envelope.helo);
  text_ += fmt::format("X-Mail-Args: {}\n", envelope.mail);
  for (const std::string& recipient : envelope.recipients) text_ += fmt::format("X-Rcpt-Args: {}\n", recipient);
  const std::string from = envelope.helo.empty() ? "[" + envelope.client_address + "]" : envelope.helo;
  text_ += fmt::format("Received: from {} ([{}])\n\tby {} (smtp-sink) with {} id {:08x};\n\t{}\n", from, envelope.client_address,
                       options.host_name, envelope.protocol, id_, mail::rfc5322_date(now));
}

void Dump::add_line(std::string_view line) {
  text_ += line;
  text_ += '\n';
}

Result<void> Dump::finish() {
  text_ += '\n';
  TRY(io::write_all(file_, path_, text_));
  return file_.close();
}

}  // namespace smtp_sink
