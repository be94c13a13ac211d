#include "lib/mailbox/user_file.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "lib/mailbox/test_message.h"
#include "lib/testing/catch.h"

namespace mailbox {
namespace {

using Items = std::vector<std::string>;

TEST_CASE("the first .forward that exists counts") {
  const TestDirectory directory;
  const std::string first = directory / ".forward+x";
  const std::string second = directory / ".forward";
  REQUIRE_FALSE(read_forward({first, second}, ::geteuid())->found);
  write_whole(second, "# comment\n\nbob, \"|x y\n\\alice\n");
  const auto file = read_forward({first, second}, ::geteuid());
  REQUIRE(file->found);
  REQUIRE(file->path == second);
  REQUIRE(file->destinations == Items{"bob", "|x y", "\\alice"});
  write_whole(first, "");
  REQUIRE(read_forward({first, second}, ::geteuid())->destinations.empty());
}

TEST_CASE("a .forward that cannot be trusted is found but says nothing") {
  const TestDirectory directory;
  const std::string path = directory / ".forward";
  const auto warning = [&] {
    const auto file = read_forward({path}, ::geteuid());
    REQUIRE(file);
    REQUIRE(file->found);
    REQUIRE(file->destinations.empty());
    REQUIRE(file->warnings.size() == 1);
    return file->warnings.front();
  };
  SECTION("a directory") {
    ::mkdir(path.c_str(), 0700);
    REQUIRE(warning() == "file " + path + " is not a regular file");
  }
  SECTION("a FIFO") {
    ::mkfifo(path.c_str(), 0600);
    REQUIRE(warning() == "file " + path + " is not a regular file");
  }
  SECTION("a symbolic link") {
    write_whole(directory / "f", "bob\n");
    ::symlink("f", path.c_str());
    REQUIRE(warning() == "file " + path + " is not a regular file");
  }
  SECTION("world writable") {
    write_whole(path, "bob\n");
    ::chmod(path.c_str(), 0666);
    REQUIRE(warning() == "file " + path + " is world writable");
  }
  SECTION("in a directory that is") {
    write_whole(path, "bob\n");
    const std::string place = path.substr(0, path.rfind('/'));
    ::chmod(place.c_str(), 0777);
    REQUIRE(warning() == "file " + path + " is not used: directory " + place + " is world writable");
    ::chmod(place.c_str(), 0700);
  }
}

TEST_CASE("an :include: file that cannot be used says why") {
  const TestDirectory directory;
  const std::string path = directory / "list";
  REQUIRE(read_include(path)->warnings == Items{"unable to lookup :include: file " + path + ": No such file or directory"});
  REQUIRE(read_include("/dev/zero")->warnings == Items{":include: file /dev/zero is not a regular file"});
  write_whole(path, "alice\n:include:/x\n");
  const auto file = read_include(path);
  REQUIRE(file->found);
  REQUIRE(file->owner == ::geteuid());
  REQUIRE(file->destinations == Items{"alice", ":include:/x"});
}

}  // namespace
}  // namespace mailbox
