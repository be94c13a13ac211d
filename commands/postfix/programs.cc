#include "commands/postfix/programs.h"

#include <array>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/io/file.h"
#include "lib/process/process.h"

namespace postfix {
namespace {

constexpr std::array program_directories{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr std::size_t output_limit = 1 << 20;
constexpr int extra_number = 3;   // as extra_input has it

// A file in memory, so that neither side ever waits for the other.
Result<Fd> file_with(std::string_view bytes) {
  Fd file(::memfd_create("postfix", MFD_CLOEXEC));
  if (!file) return base::fail_system("memfd_create");
  TRY(io::write_all(file, "a file in memory", bytes));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return base::fail_system("lseek");
  return file;
}

Result<std::string> start_of(const Fd& file, const std::string& program) {
  std::string text(output_limit, '\0');
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  if (size < 0) return base::fail_system("read what " + program + " has written");
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* const directory : program_directories) {
    const std::string path = std::string(directory) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return base::fail(name + ": not found");
}

Result<Output> run_and_read(const Context& context, const std::vector<std::string>& argv, std::string_view input, std::string_view more) {
  const Fd in = TRY(file_with(input)), extra = TRY(file_with(more)), out = TRY(file_with({})), err = TRY(file_with({}));
  auto process = TRY(process::Process::start({.argv = argv,
                                              .environment = environment(context),
                                              .descriptors = {{in.get(), STDIN_FILENO},
                                                              {out.get(), STDOUT_FILENO},
                                                              {err.get(), STDERR_FILENO},
                                                              {extra.get(), extra_number}}}));
  const process::Exit exit = process.wait();
  return Output{.is_good = !exit.signalled && exit.status == 0, .out = TRY(start_of(out, argv.front())), .err = TRY(start_of(err, argv.front()))};
}

}  // namespace postfix
