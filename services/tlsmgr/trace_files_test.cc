#include "services/tlsmgr/trace_files.h"

#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "lib/testing/temporary_directory.h"

#include "lib/testing/catch.h"

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using tlsmgr::TraceFiles;

namespace {

class TestClock : public base::Clock {
 public:
  [[nodiscard]] Stamp stamp() const override { return Stamp(1'000'000s) + passed; }
  std::chrono::milliseconds passed{0};
};

// The queue directory is the process's own.
class Below {
 public:
  explicit Below(const std::string& directory) : before_(::open(".", O_DIRECTORY | O_CLOEXEC)) {
    REQUIRE(::chdir(directory.c_str()) == 0);
    std::filesystem::create_directory("tlstrace");
  }
  ~Below() { CHECK(::fchdir(before_.get()) == 0); }

 private:
  Fd before_;
};

std::size_t count() { return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("tlstrace"), {})); }

}  // namespace

TEST_CASE("so many traces begin within a second, and no more") {
  const testing::TemporaryDirectory directory;
  const Below below(directory.path());
  TestClock clock;
  TraceFiles files(2, clock);
  CHECK(files.begin("smtpd", "192.0.2.1").value());
  clock.passed = 999ms;
  CHECK(files.begin("smtp", "2001:db8::1").value());
  CHECK(!files.begin("smtpd", "192.0.2.1").value());
  CHECK(count() == 2);
  clock.passed = 1000ms;
  CHECK(files.begin("smtpd", "192.0.2.1").value());
  CHECK(count() == 3);
}

TEST_CASE("a limit of zero is no trace at all") {
  const testing::TemporaryDirectory directory;
  const Below below(directory.path());
  const TestClock clock;
  TraceFiles files(0, clock);
  CHECK(!files.begin("smtpd", "192.0.2.1").value());
  CHECK(count() == 0);
}

TEST_CASE("a name that leads elsewhere is none") {
  const testing::TemporaryDirectory directory;
  const Below below(directory.path());
  const TestClock clock;
  TraceFiles files(9, clock);
  for (const char* const bad : {"", ".", "..", "../x", "a/b", "a b", "a-b"}) {
    CHECK(!files.begin(bad, "192.0.2.1").has_value());
    CHECK(!files.begin("smtpd", bad).has_value());
  }
  CHECK(!files.begin("smtpd", std::string(65, '1')).has_value());
  CHECK(count() == 0);
}

TEST_CASE("without its directory there is no trace") {
  const testing::TemporaryDirectory directory;
  const Below below(directory.path());
  std::filesystem::remove("tlstrace");
  const TestClock clock;
  TraceFiles files(9, clock);
  CHECK(!files.begin("smtpd", "192.0.2.1").has_value());
}
