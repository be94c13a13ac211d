#include "submit/sendmail/enqueue.h"

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/log/log.h"
#include "lib/process/process.h"
#include "submit/environment.h"
#include "submit/postdrop/statuses.h"
#include "submit/sendmail/submission.h"

namespace sendmail {
namespace {

constexpr std::size_t block = 16 * 1024;
constexpr std::size_t answer_limit = 64 * 1024;

// postdrop's standard input. A failure to write is remembered: postdrop says by itself what was wrong.
class PipeSink final : public RecordSink {
 public:
  explicit PipeSink(const Fd& fd) : fd_(fd) {}
  void put(queue::RecordType type, std::string_view data) override {
    queue::append_record(buffer_, type, data);
    if (buffer_.size() >= block) write_out();
  }
  void write_out() {
    std::string_view rest = buffer_;
    while (!rest.empty() && !is_broken_) {
      const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      is_broken_ = n <= 0;
      if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
    }
    buffer_.clear();
  }
  [[nodiscard]] bool is_broken() const { return is_broken_; }

 private:
  const Fd& fd_;
  std::string buffer_;
  bool is_broken_ = false;
};

std::string read_all(const Fd& fd) {
  std::string out;
  std::array<char, 4096> buffer{};
  while (out.size() < answer_limit) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return out;
}

// "...NAME NUL value NUL..." in postdrop's answer; nothing where it is not.
std::optional<std::string_view> attribute_in(std::string_view answer, std::string_view name) {
  const std::string wanted = fmt::format("{0}{1}{0}", '\0', name);
  const std::size_t at = answer.find(wanted);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = answer.substr(at + wanted.size());
  return rest.substr(0, rest.find('\0'));
}

// Without a status nothing was promised.
postdrop::Status status_in(std::string_view answer) {
  const auto number = ascii::parse_number(attribute_in(answer, "status").value_or(""));
  if (!number) return postdrop::Status::write;
  for (const postdrop::Status status : {postdrop::Status::ok, postdrop::Status::bad, postdrop::Status::size, postdrop::Status::not_permitted}) {
    if (*number == static_cast<std::uint64_t>(status)) return status;
  }
  return postdrop::Status::write;
}

Result<void> check(std::string_view answer) {
  const postdrop::Status status = status_in(answer);
  if (const auto reason = attribute_in(answer, "reason"); reason && !reason->empty()) return base::fail(ascii::printable(*reason));
  switch (status) {
    case postdrop::Status::ok: return {};
    case postdrop::Status::bad: return base::fail("internal protocol error");
    case postdrop::Status::size: return base::fail("message file too big");
    case postdrop::Status::not_permitted:
    case postdrop::Status::write: break;
  }
  return base::fail("queue file write error");
}

Result<void> copy_input(Submission& submission, const PipeSink& sink) {
  std::array<char, block> buffer{};
  while (!sink.is_broken()) {
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_system("error reading input");
    if (n == 0 || !submission.take({buffer.data(), static_cast<std::size_t>(n)})) break;
  }
  return {};
}

}  // namespace

Result<void> enqueue(const Params& params, const Options& options, const submit::User& user,
                     const std::string& config_directory) {
  std::string sender = user.name;
  if (options.sender) {
    const Sender parsed = parse_sender(*options.sender);
    if (!parsed.is_single) maillog::warning("-f option specified malformed sender: {}", ascii::printable(*options.sender));
    sender = parsed.address;
  }
  std::string verp;
  if (options.verp) {
    verp = options.verp->empty() ? params.default_verp_delimiters : *options.verp;
    if (verp.size() != 2 || verp.find_first_not_of(params.verp_delimiter_filter) != std::string::npos) {
      return base::fail(fmt::format("-V requires two characters from {}", params.verp_delimiter_filter));
    }
  }
  const LineEndings endings = TRY(parse_line_endings(params.sendmail_fix_line_endings));

  process::Pipe to = TRY(process::make_pipe()), from = TRY(process::make_pipe());
  process::Program program;
  program.argv = {params.command_directory + "/postdrop", "-r"};
  program.environment = submit::clean_environment(params.import_environment);
  program.descriptors = {{to.read_end.get(), STDIN_FILENO}, {from.write_end.get(), STDOUT_FILENO}};
  if (options.config_directory) {
    std::erase_if(program.environment, [](const std::string& item) { return item.starts_with("MAIL_CONFIG="); });
    program.environment.push_back("MAIL_CONFIG=" + config_directory);
  }
  process::Process child = TRY(process::Process::start(program));
  to.read_end.reset();
  from.write_end.reset();

  PipeSink sink(to.write_end);
  const Limits limits{static_cast<std::size_t>(params.line_length_limit), static_cast<std::size_t>(params.header_size_limit),
                      static_cast<std::size_t>(params.header_address_token_limit)};
  Submission submission(options, sender, options.full_name.value_or(user.full_name), verp, endings, limits, sink);
  submission.begin();
  Result<void> content;
  if (options.mode == Mode::verify) submission.put_probe();
  else content = copy_input(submission, sink);
  if (content) content = submission.finish();
  // Without its E record the message is dropped by postdrop.
  if (content) sink.write_out();
  to.write_end.reset();
  const std::string answer = read_all(from.read_end);
  child.wait();
  TRY(content);
  return check(answer);
}

}  // namespace sendmail
