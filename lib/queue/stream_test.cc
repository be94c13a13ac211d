// Records over a stream, as cleanup and postdrop read them from others.

#include <sys/socket.h>

#include "lib/queue/record.h"

#include "lib/testing/catch.h"

using queue::RecordType;

namespace {

// Both ends of a connection, without a loop: a wait blocks in poll(2).
struct Pair {
  io::Stream near{Fd()}, far{Fd()};
  Pair() {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    near = io::Stream(Fd(fds[0]));
    far = io::Stream(Fd(fds[1]));
  }
};

Deadline soon() { return base::after(std::chrono::seconds(5)); }

}  // namespace

TEST_CASE("records of any length arrive as they were sent") {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 2048U, 16383U, 16384U, 70'000U}) {
    Pair pair;
    const std::string data(size, '\0');
    REQUIRE(queue::write_record(pair.near, RecordType::normal, data, soon()));
    REQUIRE(queue::write_record(pair.near, RecordType::end, "", soon()));
    REQUIRE(pair.near.flush(soon()) == io::End::ok);
    std::string buffer;
    const auto record = queue::read_record(pair.far, buffer, soon());
    REQUIRE(record);
    CHECK(record->type == RecordType::normal);
    CHECK(record->data == data);
    CHECK(queue::read_record(pair.far, buffer, soon())->type == RecordType::end);
  }
}

TEST_CASE("a record that ends early, is too long, or never comes is an error") {
  const struct {
    std::string_view bytes;
    const char* message;
  } table[] = {
      {"", "connection lost within a record"},
      {"N", "connection lost within a record"},
      {"N\x05" "abc", "connection lost within a record"},
      {"N\xff", "connection lost within a record"},
      {"N\xff\xff\xff\x7f", "record too long"},
      {"N\x80\x80\x80\x80\x01", "record length overflow"},
      {"N\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "record too long"},
  };
  for (const auto& row : table) {
    Pair pair;
    pair.near.write(row.bytes, soon());
    REQUIRE(pair.near.flush(soon()) == io::End::ok);
    pair.near.shutdown();
    std::string buffer;
    const auto record = queue::read_record(pair.far, buffer, soon());
    REQUIRE_FALSE(record);
    CHECK(record.error().message() == row.message);
  }
  Pair silent;
  std::string buffer;
  CHECK(queue::read_record(silent.far, buffer, base::after(std::chrono::milliseconds(20))).error().message() ==
        "timeout within a record");
}
