#include "lib/io/file.h"

#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/testing/catch.h"

namespace {

struct Directory {
  std::string path = "/tmp/io_test.XXXXXX";
  Directory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
};

}  // namespace

TEST_CASE("a replaced file has the new content and mode, and nothing else is left beside it") {
  const Directory directory;
  const std::string path = directory.path + "/file";
  const std::string large(200'000, 'x');
  REQUIRE(io::replace_file(path, "old", 0600));
  REQUIRE(io::replace_file(path, large, 0644));
  CHECK(*io::read_file(path, large.size()) == large);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0644);
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path), {}) == 1);
}

TEST_CASE("errors name the path, and a file over the limit is one") {
  const Directory directory;
  const std::string path = directory.path + "/file";
  CHECK(io::read_file(path, 10).error().message() == "open " + path + ": No such file or directory");
  REQUIRE(io::replace_file(path, "12345", 0600));
  CHECK(io::read_file(path, 5).has_value());
  CHECK(io::read_file(path, 4).error().code() == EFBIG);
  CHECK_FALSE(io::replace_file(directory.path + "/none/file", "x", 0600));
}
