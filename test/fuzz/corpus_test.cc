// What the fuzzers have found worth keeping is held by every build.

#include <filesystem>

#include "lib/io/file.h"
#include "test/fuzz/target.h"

#include "lib/testing/catch.h"

TEST_CASE("every target takes all of its corpus") {
  const char* const source = std::getenv("srcdir");
  const std::filesystem::path corpus = std::filesystem::path(source != nullptr ? source : ".") / "test/fuzz/corpus";
  constexpr std::size_t size_limit = 1 << 20;
  for (const fuzz::Target& target : fuzz::targets()) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus / target.name)) {
      INFO(entry.path().string());
      const auto data = io::read_file(entry.path().string(), size_limit);
      REQUIRE(data.has_value());
      target.run(*data);
      ++count;
    }
    INFO(target.name);
    CHECK(count > 0);
  }
}
