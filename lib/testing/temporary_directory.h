#pragma once
// A directory that is there for one test.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "lib/base/check.h"

namespace testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    CHECK(mkdtemp(path_.data()) != nullptr);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  // With a '/' at the end.
  [[nodiscard]] std::string path() const { return path_ + '/'; }

 private:
  std::string path_ = "/tmp/valija-test-XXXXXX";
};

}  // namespace testing
