#include "commands/rmail/from_lines.h"

#include <string>
#include <vector>

#include "lib/testing/catch.h"

namespace rmail {
namespace {

std::string path_of(const std::vector<std::string>& lines) {
  FromLines from;
  for (const std::string& line : lines) {
    const auto taken = from.take(line);
    if (!taken) return taken.error().message();
    if (*taken == FromLines::Taken::is_content) return from.path() + from.user() + " content";
  }
  return from.path() + from.user();
}

TEST_CASE("a path is made of the From_ lines, the nearest host first") {
  CHECK(path_of({"From alice Mon remote from host1", "Subject: x"}) == "host1!alice content");
  CHECK(path_of({"From a!b Mon remote from host1", ">From x Mon remote from y"}) == "host1!y!x");
  CHECK(path_of({"From a b remote from h1", "From c d", "From e f remote from h3"}) == "h1!h3!e");
  CHECK(path_of({"From h1!h2!alice@dom Mon"}) == "h1!h2!alice@dom");
  CHECK(path_of({"From !alice Mon remote from h"}) == "h!!alice");
  CHECK(path_of({"From alice@example.org"}) == "alice@example.org");
  CHECK(path_of({"From  alice"}) == "<>");
  CHECK(path_of({"From h! Mon"}) == "h!<>");
  CHECK(path_of({"From alice remote from"}) == "alice");
  CHECK(path_of({"From a Mon", ">From: x"}) == "a content");
}

TEST_CASE("lines that say nothing of where a message came from are refused") {
  CHECK(path_of({"Subject: x"}) == "missing or empty From line: Subject: x");
  CHECK(path_of({"From "}) == "corrupted From line: From ");
  CHECK(path_of({"From !alice Mon"}) == "bang starts address: !alice Mon");
}

}  // namespace
}  // namespace rmail
