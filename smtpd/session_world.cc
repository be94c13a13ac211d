#include "smtpd/session_world.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"
#include "lib/log/sink.h"
#include "lib/mail/address.h"
#include "lib/queue/record.h"

namespace smtpd {
namespace {

constexpr std::chrono::seconds patience{20};

constexpr std::string_view base_main_cf = R"(myhostname = mail.example.test
mydomain = example.test
mydestination = example.test
relay_domains = relay.test
inet_interfaces = 127.0.0.1
mynetworks = 10.0.0.0/8
compatibility_level = 3.9
smtpd_banner = $myhostname ESMTP $mail_name
local_recipient_maps = inline:{alice=x, bob=x}
alias_maps =
virtual_alias_maps = inline:{va@va.test=alice@example.test}
virtual_alias_domains = va.test
virtual_mailbox_domains = vm.test
virtual_mailbox_maps = inline:{vm@vm.test=x}
relay_recipient_maps = inline:{r@relay.test=x}
smtpd_relay_restrictions = permit_mynetworks reject_unauth_destination
smtpd_error_sleep_time = 0
)";

Fd own(int fd) { return Fd(fd); }

}  // namespace

struct TestWorld::FakeNames : server::PeerNames {
  explicit FakeNames(TestWorld& owner) : world(owner) {}
  server::PeerName look_up(const io::Address&) override { return world.client_name; }
  TestWorld& world;
};

std::string TestMessage::content() const {
  std::string out;
  for (const std::string& record : records) {
    if (record.starts_with("N ")) out += record.substr(2) + "\n";
    else if (record.starts_with("L ")) out += record.substr(2);
  }
  return out;
}

std::vector<std::string> TestMessage::recipients() const {
  std::vector<std::string> out;
  for (const std::string& record : records) {
    if (record.starts_with("R ")) out.push_back(record.substr(2));
  }
  return out;
}

TestWorld::TestWorld(std::string_view main_cf) : old_directory_(std::filesystem::current_path()) {
  setenv("TZ", "UTC", 1);
  std::filesystem::current_path(directory_.path());
  std::filesystem::create_directories("private");
  std::filesystem::create_directories("public");
  maillog::open({.target = maillog::Target::file, .path = directory_.path() + "log", .fallback_file = {}});
  serve("public/cleanup", [this](io::Stream& stream) { play_cleanup(stream); });
  serve("private/rewrite", [this](io::Stream& stream) { play_rewrite(stream); });
  serve("private/anvil", [this](io::Stream& stream) { play_anvil(stream); });

  const auto main = config::Main::parse(std::string(base_main_cf) + std::string(main_cf), directory_.path());
  CHECK(main.has_value());
  auto tables = std::make_unique<maps::Tables>(maps::Tables::Options{
      .config_directory = directory_.path(), .default_database_type = "hash", .services = &services_});
  auto normal = Snapshot::load(main->with("stress", ""), *tables);
  if (!normal) base::panic(normal.error().message().c_str(), __FILE__, __LINE__);
  auto under_stress = Snapshot::load(main->with("stress", "yes"), *tables);
  CHECK(under_stress.has_value());
  auto shared = SharedTables::open(*tables, *main, normal->params);
  if (!shared) base::panic(shared.error().message().c_str(), __FILE__, __LINE__);
  server_ = std::make_unique<Server>(Server::Parts{.maps = std::move(tables),
                                                   .normal = std::move(*normal),
                                                   .stressed = std::move(*under_stress),
                                                   .tables = std::move(*shared),
                                                   .peer_names = std::make_unique<FakeNames>(*this),
                                                   .service_name = "smtp"},
                                     services_, base::system_clock());
}

TestWorld::~TestWorld() {
  loop_.cancel_all(base::after(patience));
  maillog::flush();
  maillog::open({.target = maillog::Target::standard_error, .path = {}, .fallback_file = {}});
  std::filesystem::current_path(old_directory_);
}

void TestWorld::serve(const std::string& path, std::function<void(io::Stream&)> conversation) {
  auto listener = io::listen_unix(path, 0600, 100);
  CHECK(listener.has_value());
  const int fd = listener->get();
  listeners_.push_back(std::move(*listener));
  const auto spawned = loop_.spawn("accept " + path, [this, fd, conversation = std::move(conversation)] {
    for (;;) {
      if (!event::wait_fd(fd, event::Ready::readable, base::no_deadline)) continue;
      auto accepted = io::accept(fd);
      if (!accepted) continue;
      auto stream = std::make_shared<io::Stream>(std::move(*accepted));
      CHECK(loop_.spawn("serve", [stream, conversation] { conversation(*stream); }).has_value());
    }
  });
  CHECK(spawned.has_value());
}

void TestWorld::play_cleanup(io::Stream& stream) {
  for (;;) {
    const auto request = ipc::receive<ipc::OpenMessage>(stream, base::no_deadline);
    if (!request) return;
    if (queue_is_full) {
      ipc::send(stream, ipc::MessageOpened{"", "no space"}, base::after(patience));
      continue;
    }
    ipc::send(stream, ipc::MessageOpened{fmt::format("QID{}", next_id_++), ""}, base::after(patience));
    ++open_messages;
    TestMessage message;
    std::string buffer;
    for (;;) {
      const auto record = queue::read_record(stream, buffer, base::no_deadline);
      if (!record) break;
      if (record->type == queue::RecordType::end) {
        message.finished = true;
        break;
      }
      message.records.push_back(fmt::format("{} {}", static_cast<char>(record->type), record->data));
    }
    --open_messages;
    messages.push_back(message);
    if (!message.finished) return;
    ipc::send(stream, verdict, base::after(patience));
  }
}

// What trivial-rewrite would say with the main.cf above.
void TestWorld::play_rewrite(io::Stream& stream) {
  for (;;) {
    const auto request = ipc::receive<ipc::AddressRequest>(stream, base::no_deadline);
    if (!request) return;
    ipc::AddressAnswer answer;
    std::string address = request->address;
    if (!mail::split(address).has_domain) address += "@example.test";
    answer.address = address;
    const std::string domain = ascii::lowercase(mail::split(address).domain);
    answer.transport = "smtp";
    answer.nexthop = domain;
    if (domain == "example.test") answer.address_class = ipc::AddressClass::local;
    else if (domain == "va.test") answer.address_class = ipc::AddressClass::virtual_alias;
    else if (domain == "vm.test") answer.address_class = ipc::AddressClass::virtual_mailbox;
    else if (domain == "relay.test") answer.address_class = ipc::AddressClass::relay;
    if (mail::split(address).local.contains('%')) answer.has_routing = true;
    if (domain == "fail.test") answer.status = ipc::ResolveStatus::fail;
    if (address == "gone@example.test") {
      answer.transport = "error";
      answer.nexthop = "5.1.6 User has moved to new@x.test";
    }
    ipc::send(stream, answer, base::after(patience));
  }
}

void TestWorld::play_anvil(io::Stream& stream) {
  constexpr std::string_view names[] = {"connect", "disconnect", "message", "recipient", "new_tls", "new_tls_status", "auth", "lookup"};
  for (;;) {
    const auto request = ipc::receive<ipc::AnvilRequest>(stream, base::no_deadline);
    if (!request) return;
    anvil_events.push_back(fmt::format("{} {}", names[static_cast<std::size_t>(request->event)], request->ident));
    ipc::send(stream, ipc::AnvilAnswer{anvil_count, anvil_rate}, base::after(patience));
  }
}

void TestWorld::run(const std::function<void(io::Stream&)>& client) {
  int pair[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
  int running = 2;
  const auto finished = [&] {
    if (--running == 0) loop_.stop();
  };
  const auto address = io::Address::parse(client_address);
  CHECK(address.has_value());
  server::Connection connection{.stream = io::Stream(own(pair[0])),
                                .peer = io::Endpoint{*address, 40000},
                                .local = io::Endpoint{*io::Address::parse("127.0.0.1"), 25},
                                .session = 1,
                                .stressed = stressed};
  const auto session = loop_.spawn("session", [&] {
    server_->serve(connection);
    connection.stream = io::Stream(Fd());  // closes, as the skeleton does
    finished();
  });
  CHECK(session.has_value());
  auto peer = std::make_unique<io::Stream>(own(pair[1]));
  const auto test = loop_.spawn("client", [&] {
    client(*peer);
    peer.reset();
    finished();
  });
  CHECK(test.has_value());
  loop_.run();
}

std::string read_reply(io::Stream& stream) {
  std::string out;
  for (;;) {
    const io::LineResult line = stream.read_line(base::after(patience), 4096);
    if (!line) return line.end() == io::End::timeout ? "(timeout)" : out + "(closed)";
    if (!out.empty()) out += '|';
    out += line.text();
    if (line.text().size() < 4 || line.text()[3] != '-') return out;
  }
}

std::vector<std::string> TestWorld::talk(const std::vector<std::string>& steps) {
  std::vector<std::string> replies;
  run([&](io::Stream& stream) {
    replies.push_back(read_reply(stream));
    for (const std::string& step : steps) {
      const bool is_silent = step.starts_with('>');
      std::string bytes = is_silent ? step.substr(1) : step;
      if (bytes != "<") {
        if (!is_silent && !bytes.ends_with('\n')) bytes += "\r\n";
        stream.write(bytes, base::after(patience));
        if (stream.flush(base::after(patience)) != io::End::ok) {
          replies.emplace_back("(closed)");
          return;
        }
      }
      if (is_silent) continue;
      replies.push_back(read_reply(stream));
      if (replies.back().ends_with("(closed)")) return;
    }
  });
  return replies;
}

std::vector<std::string> TestWorld::log() {
  maillog::flush();
  std::ifstream file(directory_.path() + "log");
  std::vector<std::string> lines;
  std::string line;
  std::size_t number = 0;
  while (std::getline(file, line)) {
    if (number++ < log_read_) continue;
    const std::size_t bracket = line.find("]: ");
    lines.push_back(bracket == std::string::npos ? line : line.substr(bracket + 3));
  }
  log_read_ = number;
  return lines;
}

}  // namespace smtpd
