// postfix-collate(1): the lines of a mail log, sorted so that what belongs to one session or message stands together, with
// an empty line behind it. Run by whoever may read the log.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include "commands/postfix-collate/sessions.h"
#include "lib/io/stream.h"
#include "lib/log/log.h"

namespace {

constexpr std::size_t line_limit = 1024 * 1024;   // of a longer line the rest counts as one more

void read_lines(Fd file, collate::Sessions& sessions) {
  io::Stream input(std::move(file));
  for (;;) {
    const io::LineResult line = input.read_line(base::no_deadline, line_limit);
    if (line.end() == io::End::error || line.end() == io::End::timeout) return;
    if (line.end() == io::End::eof && line.text().empty()) return;
    sessions.take(line.text());
    if (line.end() == io::End::eof) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  maillog::set_tag("postfix/postfix-collate");
  collate::Sessions sessions([](std::string_view story) {
    std::fwrite(story.data(), 1, story.size(), stdout);
    std::fputc('\n', stdout);
  });
  for (int i = 1; i < argc; ++i) {
    Fd file(::open(argv[i], O_RDONLY | O_CLOEXEC));
    if (file) read_lines(std::move(file), sessions);
    else fmt::print(stderr, "Can't open {}: {}\n", argv[i], std::strerror(errno));
  }
  if (argc == 1) read_lines(Fd(::dup(STDIN_FILENO)), sessions);
  sessions.finish();
  return std::fflush(stdout) == 0 ? 0 : 1;
}
