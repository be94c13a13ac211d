#include "submit/postdrop/drop.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/testing/catch.h"

namespace postdrop {
namespace {

namespace fs = std::filesystem;

// A directory of its own with a maildrop/, which is the working directory meanwhile.
class Spool {
 public:
  Spool() : before_(fs::current_path()) {
    std::string name = (fs::temp_directory_path() / "postdrop_testXXXXXX").string();
    root_ = ::mkdtemp(name.data());
    fs::create_directory(root_ / "maildrop");
    fs::current_path(root_);
  }
  ~Spool() {
    fs::current_path(before_);
    fs::remove_all(root_);
  }
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator("maildrop")) out.push_back(entry.path());
    return out;
  }

 private:
  fs::path before_, root_;
};

struct Result {
  Ended ended;
  std::vector<fs::path> files;
  std::string content;
  mode_t mode = 0;
};

Result drop(const std::string& input, std::int64_t size_limit = 0) {
  const Spool spool;
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  const Fd read_end(fds[0]);
  Fd write_end(fds[1]);
  REQUIRE(input.size() <= 60'000);  // fits into the pipe
  REQUIRE(::write(write_end.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  write_end.reset();
  Input records(read_end.get(), 2048);
  auto file = MaildropFile::create(queue::IdForm::short_form, base::system_clock(), size_limit);
  REQUIRE(file);
  Result result;
  result.ended = copy_message(records, std::move(*file), base::system_clock(), "uid=1001");
  result.files = spool.files();
  if (!result.files.empty()) {
    std::ifstream stream(result.files.front());
    result.content.assign(std::istreambuf_iterator<char>(stream), {});
    struct stat status {};
    ::stat(result.files.front().c_str(), &status);
    result.mode = status.st_mode & 07777;
  }
  return result;
}

std::string records(std::initializer_list<std::string> list) {
  std::string out;
  for (const std::string& record : list) {
    queue::append_record(out, static_cast<queue::RecordType>(record.front()), std::string_view(record).substr(1));
  }
  return out;
}

const std::string good = records({"Arewrite_context=local", "Sbob", "Ralice", "M", "Nhi", "X", "E"});

}  // namespace

TEST_CASE("a whole message is left complete under its queue id") {
  const Result got = drop(good);
  CHECK(got.ended.how == Ended::How::dropped);
  REQUIRE(got.files.size() == 1);
  CHECK(queue::QueueId::parse(got.files.front().filename().string()));
  CHECK(got.mode == 0744);
  CHECK(got.content.front() == 'T');
  CHECK(got.content.ends_with(good));
}

TEST_CASE("what is not a whole, allowed message leaves nothing") {
  struct Row {
    const char* name;
    std::string input;
    Ended::How how;
    const char* text;
  };
  for (const Row& row : {
           Row{"nothing", "", Ended::How::abandoned, ""},
           Row{"no end", good.substr(0, good.size() - 2), Ended::How::abandoned, ""},
           Row{"torn record", good.substr(0, 5), Ended::How::fatal, "uid=1001: malformed input"},
           Row{"pointer", records({"Sbob", "p0"}), Ended::How::fatal, "uid=1001: unexpected record type: 112"},
           Row{"no recipient", records({"Sbob", "M", "X", "E"}), Ended::How::refused, ""},
           Row{"no sender", records({"Rbob", "M", "X", "E"}), Ended::How::refused, ""},
           Row{"long length", std::string("S\xff\xff\xff\xff\xff\xff", 7), Ended::How::fatal, "uid=1001: malformed input"},
           Row{"long record", records({"S" + std::string(3000, 'x')}), Ended::How::fatal, "uid=1001: malformed input"},
           Row{"type 0", std::string(2, '\0'), Ended::How::fatal, "uid=1001: unexpected record type: 0"},
       }) {
    INFO(row.name);
    const Result got = drop(row.input);
    CHECK(got.ended.how == row.how);
    CHECK(got.ended.text == row.text);
    CHECK(got.files.empty());
  }
}

TEST_CASE("a message over the size limit is read to its end and refused") {
  const Result got = drop(records({"Sbob", "Ralice", "M", "N" + std::string(2000, 'x'), "X", "E"}), 1000);
  CHECK(got.ended.how == Ended::How::refused);
  CHECK(got.ended.status == Status::size);
  CHECK(got.files.empty());
}

}  // namespace postdrop
