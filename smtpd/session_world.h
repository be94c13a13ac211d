#pragma once
// A server for unit tests: sessions on a socket pair, with cleanup, rewrite and anvil played by the test on real sockets
// and fibers. What the log got is read from a file.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/loop.h"
#include "lib/io/stream.h"
#include "lib/ipc/messages/anvil.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/testing/temporary_directory.h"
#include "smtpd/server.h"

namespace smtpd {

// A message as cleanup got it: its records as "type data" lines, and whether it was finished.
struct TestMessage {
  std::vector<std::string> records;
  bool finished = false;
  // The content lines, joined.
  [[nodiscard]] std::string content() const;
  [[nodiscard]] std::vector<std::string> recipients() const;
};

class TestWorld {
 public:
  // `main_cf` is added to a small main.cf.
  explicit TestWorld(std::string_view main_cf = {});
  ~TestWorld();
  TestWorld(const TestWorld&) = delete;
  TestWorld& operator=(const TestWorld&) = delete;

  // Runs a session with a scripted client. Each step is sent as it stands (with CRLF unless it ends with a newline), and
  // its reply awaited; a step that begins with '>' is sent without waiting, '<' only waits. Gives all replies, in order,
  // each with its lines joined by '|'. "(closed)" when the server closed.
  std::vector<std::string> talk(const std::vector<std::string>& steps);

  // Runs `client` against a new session.
  void run(const std::function<void(io::Stream&)>& client);

  // What was logged since the last call, without time and tag.
  std::vector<std::string> log();

  std::vector<TestMessage> messages;            // in the order in which cleanup ended them
  std::size_t open_messages = 0;
  ipc::MessageClosed verdict;                   // of cleanup
  bool queue_is_full = false;                   // cleanup refuses to open
  std::string client_address = "192.0.2.1";
  server::PeerName client_name{"client.example", "client.example"};
  bool stressed = false;
  int anvil_count = 1, anvil_rate = 1;          // what anvil says
  std::vector<std::string> anvil_events;

 private:
  struct FakeNames;
  void serve(const std::string& path, std::function<void(io::Stream&)> conversation);
  void play_cleanup(io::Stream& stream);
  void play_rewrite(io::Stream& stream);
  void play_anvil(io::Stream& stream);

  testing::TemporaryDirectory directory_;
  std::string old_directory_;
  event::Loop loop_;
  ipc::Connections services_;
  std::vector<Fd> listeners_;
  std::unique_ptr<Server> server_;
  std::size_t log_read_ = 0;
  int next_id_ = 1;
};

// One reply of the server, its lines joined by '|', without CRLF; "(closed)" at the end.
std::string read_reply(io::Stream& stream);

}  // namespace smtpd
