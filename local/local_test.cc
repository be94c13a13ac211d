#include "local/expansion.h"

#include <filesystem>
#include <map>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/ipc/messages/cleanup.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/mailbox/spawner.h"
#include "lib/mailbox/test_message.h"
#include "lib/queue/message_stream.h"
#include "local/environment.h"
#include "local/macros.h"
#include "lib/testing/catch.h"

namespace local {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("$names in forward_path and its like") {
  const Macros macros{"alice", "/home/alice", "/bin/sh", "alice+x@a.test", "x", "a.test", "alice+x", "+"};
  REQUIRE(*expand("$home/.forward${recipient_delimiter}${extension}", macros, "abcdefghijklmnopqrstuvwxyz/+.") == "/home/alice/.forward+x");
  REQUIRE(*expand("${extension?yes}${shell:no}$(user)@$domain", macros, {}) == "yesalice@a.test");
  REQUIRE(*expand("$recipient", macros, "abcdefghijklmnopqrstuvwxyz.") == "alice_x_a.test");
  REQUIRE_FALSE(expand("${user", macros, {}));
}

TEST_CASE("duplicates are remembered up to the limit") {
  Duplicates duplicates(2);
  REQUIRE(duplicates.is_first("mailbox", "a"));
  REQUIRE_FALSE(duplicates.is_first("mailbox", "a"));
  REQUIRE(duplicates.is_first("alias", "a"));
  REQUIRE(duplicates.is_first("alias", "b"));
  REQUIRE(duplicates.is_first("alias", "b"));
}

TEST_CASE("a command's environment") {
  ipc::DeliveryRequest request;
  request.client_name = "host;x";
  const auto environment = command_environment({"LANG=C"}, {"alice", "/home/a", "", "alice+x", "x", "a.test", "alice+X@a.test", "al@a.test", "s@b"},
                                               request, "abcdefghijklmnopqrstuvwxyzX./+@-");
  REQUIRE(environment == Lines{"LANG=C", "PATH=/usr/bin:/bin", "USER=alice", "LOGNAME=alice", "HOME=/home/a", "LOCAL=alice+x",
                               "EXTENSION=x", "DOMAIN=a.test", "RECIPIENT=alice+X@a.test", "ORIGINAL_RECIPIENT=al@a.test",
                               "CLIENT_HOSTNAME=host_x", "SENDER=s@b"});
}

// bounce(8) as the expansion sees it, and what it was told.
class Told : public delivery::StatusSink {
 public:
  bool append(delivery::StatusLog log, const ipc::BounceRequest& request) override {
    constexpr const char* names[] = {"bounce", "defer", "trace"};
    lines.push_back(fmt::format("{} {} <{}> {} {}", names[static_cast<int>(log)], request.recipient.recipient,
                                request.sender, request.recipient.action, request.recipient.reason));
    return true;
  }
  Lines lines;
};

// The whole of local but its skeleton: real workers and files, in a directory of its own; rewrite and cleanup are played
// by fibers. The user is the one who runs the test.
class World {
 public:
  World() {
    std::filesystem::create_directory(directory_ / "private");
    std::filesystem::create_directory(directory_ / "public");
    std::filesystem::create_directory(directory_ / "spool");
    std::filesystem::create_directory(directory_ / "home");
    ::chmod(directory_.path().c_str(), 0755);
    ::chmod((directory_ / "spool").c_str(), 01777);
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(directory_.path());
    me_ = *process::find_account(::geteuid());
    me_.home = directory_ / "home";
  }
  ~World() { std::filesystem::current_path(before_); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::string aliases;                       // inline table
  std::map<std::string, std::string> settings;

  // What became of one message to `recipient`.
  Lines deliver(const std::string& recipient, std::string_view text = "Subject: s\n\nb\n", int notify = 0) {
    auto spawner = mailbox::start_spawner();
    REQUIRE(spawner);
    Told told;
    event::Loop loop;
    REQUIRE(loop.spawn("test", [&] {
      {
        const auto rewrite = serve("private/rewrite", [this](io::Stream& stream) { play_rewrite(stream); });
        const auto cleanup = serve("public/cleanup", [&](io::Stream& stream) { play_cleanup(stream, told); });
        run(recipient, text, notify, told, std::move(*spawner));
      }
      loop.stop();
    }));
    loop.run();
    loop.cancel_all(base::after(std::chrono::seconds(5)));
    return told.lines;
  }
  [[nodiscard]] std::string path(std::string_view name) const { return directory_ / name; }
  [[nodiscard]] const std::string& me() const { return me_.name; }
  delivery::Status status{};

 private:
  template <class Play>
  std::unique_ptr<event::Loop::Watch> serve(const std::string& socket, Play play) {
    auto listener = std::make_shared<Fd>(std::move(*io::listen_unix(socket, 0600, 10)));
    return event::Loop::current().watch_readable(listener->get(), [listener, play] {
      auto connection = io::accept(listener->get());
      if (!connection) return;
      auto stream = std::make_shared<io::Stream>(std::move(*connection));
      static_cast<void>(event::Loop::current().spawn("peer", [stream, play] { play(*stream); }));
    });
  }

  void play_rewrite(io::Stream& stream) {
    for (;;) {
      const auto request = ipc::receive<ipc::AddressRequest>(stream, base::no_deadline);
      if (!request) return;
      ipc::AddressAnswer answer;
      answer.address = request->address;
      if (!answer.address.contains('@')) answer.address += "@here.test";
      if (request->question == ipc::AddressQuestion::resolve) {
        answer.transport = answer.address.ends_with("@here.test") ? "local" : "smtp";
      }
      ipc::send(stream, answer, base::no_deadline);
      if (stream.flush(base::no_deadline) != io::End::ok) return;
    }
  }

  void play_cleanup(io::Stream& stream, Told& told) {
    while (ipc::receive<ipc::OpenMessage>(stream, base::no_deadline)) {
      ipc::send(stream, ipc::MessageOpened{"QUEUE1", ""}, base::no_deadline);
      std::string line = "queue";
      std::string buffer;
      bool in_content = false;
      for (;;) {
        const auto record = queue::read_record(stream, buffer, base::no_deadline);
        if (!record) return;
        if (record->type == queue::RecordType::message_start) in_content = true;
        if (record->type == queue::RecordType::sender) line += fmt::format(" from=<{}>", record->data);
        if (record->type == queue::RecordType::recipient) line += fmt::format(" to=<{}>", record->data);
        if (record->type == queue::RecordType::original_recipient) line += fmt::format(" orig=<{}>", record->data);
        if (in_content && record->data.starts_with("Delivered-To")) line += fmt::format(" {}", record->data);
        if (record->type == queue::RecordType::end) break;
      }
      told.lines.push_back(line);
      ipc::send(stream, ipc::MessageClosed{}, base::no_deadline);
      if (stream.flush(base::no_deadline) != io::End::ok) return;
    }
  }

  void run(const std::string& recipient, std::string_view text, int notify, Told& told, Fd spawner) {
    Lines overrides{"myhostname=mail.here.test", "mail_spool_directory=" + path("spool"), "recipient_delimiter=+"};
    for (const auto& [name, value] : settings) overrides.push_back(name + "=" + value);
    const auto main = config::Main::parse("", "/nonexistent", overrides);
    REQUIRE(main);
    auto params = Params::load(*main);
    REQUIRE(params);
    Agent agent(std::move(*params), base::system_clock());
    const std::vector<std::string_view> origins{"alias", "forward", "include"};
    agent.allow_commands = *Words::parse("x", agent.params.allow_mail_to_commands, origins);
    agent.allow_files = *Words::parse("x", agent.params.allow_mail_to_files, origins);
    agent.prepend = *Words::parse("x", agent.params.prepend_delivered_header, {"command", "file", "forward"});
    agent.propagate = *Words::parse("x", agent.params.propagate_unmatched_extensions, {"alias", "canonical", "forward", "include", "virtual"});
    agent.locks = {true, false, true};
    agent.patience = {2, std::chrono::seconds(1), std::chrono::seconds(500)};
    agent.default_rights.who = {::geteuid(), ::getegid()};
    agent.tables = std::make_unique<maps::Tables>(maps::Tables::Options{});
    if (!aliases.empty()) {
      auto opened = maps::Maps::open(*agent.tables, "alias_maps", "inline:{ " + aliases + " }", maps::Flags::fold_keys);
      REQUIRE(opened);
      agent.alias_tables.push_back({"inline:", *opened});
    }
    ipc::Connections services;
    ipc::Addresses addresses(services, base::system_clock());
    mailbox::WorkerPool workers(std::move(spawner));
    agent.services = &services;
    agent.addresses = &addresses;
    agent.workers = &workers;

    const mailbox::TestMessage message(text);
    ipc::DeliveryRequest request;
    request.file = Fd(::dup(message.fd()));
    request.queue_id = "TEST";
    request.transport = "local";
    request.sender = "s@there.test";
    request.recipients.push_back({0, recipient, "", "", notify});
    delivery::Recorder recorder(request, told, base::system_clock(), {});
    const auto delivered_to = delivery::DeliveredTo::read(request.file.get(), 0);
    status = Expansion(agent, request, recorder, request.recipients.front(), *delivered_to).run();
  }

  mailbox::TestDirectory directory_;
  std::filesystem::path before_;
  process::Account me_;
};

std::size_t messages(const std::string& path) {
  const std::string text = mailbox::read_whole(path);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("From s@there.test", at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST_CASE("mail for a user is in his mailbox once") {
  World world;
  world.aliases = "{all = " + world.me() + ", " + world.me() + "+x, ALL2}, {all2 = \\" + world.me() + "}";
  REQUIRE(world.deliver("all@here.test").empty());
  REQUIRE(world.status == delivery::Status::sent);
  REQUIRE(messages(world.path("spool/" + world.me())) == 1);
  REQUIRE(mailbox::read_whole(world.path("spool/" + world.me())).contains("\nX-Original-To: all@here.test\nDelivered-To: all@here.test\n"));
}

TEST_CASE("who is unknown is returned, or goes to luser_relay") {
  World world;
  REQUIRE(world.deliver("no-such-user+x@here.test") == Lines{"bounce no-such-user+x@here.test <s@there.test> failed unknown user: \"no-such-user\""});
  REQUIRE(world.status == delivery::Status::bounced);
  world.settings["luser_relay"] = "$local@there.test";
  REQUIRE(world.deliver("no-such-user+x@here.test") ==
          Lines{"queue from=<s@there.test> orig=<no-such-user+x@here.test> to=<no-such-user+x@there.test> Delivered-To: no-such-user+x@here.test"});
  world.settings["luser_relay"] = "nor-this-one";
  REQUIRE(world.deliver("no-such-user@here.test") == Lines{"bounce nor-this-one@here.test <s@there.test> failed unknown user: \"nor-this-one\""});
}

TEST_CASE("a list with an owner becomes a new message from its owner") {
  World world;
  world.aliases = "{list = a@there.test, " + world.me() + "}, {owner-list = boss@there.test}";
  REQUIRE(world.deliver("list@here.test", "Subject: s\n\n", 6) ==
          Lines{"trace list@here.test <s@there.test> delivered delivery via local: alias expanded",
                "queue from=<owner-list@here.test> orig=<a@there.test> to=<a@there.test> orig=<" + world.me() + "@here.test> to=<" +
                    world.me() + "@here.test> Delivered-To: list@here.test"});
  world.settings["expand_owner_alias"] = "yes";
  world.aliases = "{list = \"|exit 67\"}, {owner-list = boss@there.test}";
  REQUIRE(world.deliver("list@here.test") == Lines{"bounce list@here.test <boss@there.test> failed user unknown"});
}

TEST_CASE("nothing is forwarded when something has to come again") {
  World world;
  world.aliases = "{mix = a@there.test, \"|exit 75\"}";
  REQUIRE(world.deliver("mix@here.test") == Lines{"defer mix@here.test <s@there.test> delayed temporary failure"});
  REQUIRE(world.status == delivery::Status::deferred);
}

TEST_CASE("aliases that name each other end") {
  World world;
  SECTION("itself") {
    world.aliases = "{loop = loop}";
    REQUIRE(world.deliver("loop@here.test") == Lines{"bounce loop@here.test <s@there.test> failed unknown user: \"loop\""});
  }
  SECTION("a circle") {
    world.aliases = "{loopa = loopb}, {loopb = loopa}";
    const Lines lines = world.deliver("loopa@here.test");
    REQUIRE(lines.size() == 1);
    REQUIRE(lines[0].ends_with("failed recipient nesting limit exceeded"));
  }
  SECTION("a circle that branches at each step") {
    world.aliases = "{a1 = a2, a2, a3}, {a2 = a3, a1, a3}, {a3 = a1, a2, a1}";
    const Lines lines = world.deliver("a1@here.test");
    REQUIRE(lines.size() == 1);
    REQUIRE(lines[0].ends_with("failed recipient nesting limit exceeded"));
  }
  SECTION("a tree of doublings") {
    for (int i = 0; i < 60; ++i) world.aliases += fmt::format("{{d{} = d{}, d{}}}, ", i, i + 1, i + 1);
    world.aliases += "{d60 = " + world.me() + "}";
    REQUIRE(world.deliver("d0@here.test").empty());
    REQUIRE(messages(world.path("spool/" + world.me())) == 1);
  }
  SECTION("a message that has been here") {
    REQUIRE(world.deliver(world.me() + "@here.test", "Delivered-To: " + world.me() + "@here.test\n\n") ==
            Lines{"bounce " + world.me() + "@here.test <s@there.test> failed mail forwarding loop for " + world.me() + "@here.test"});
  }
}

TEST_CASE("commands and files of aliases, and where they are not allowed") {
  World world;
  world.aliases = "{file = " + world.path("f") + "}, {dir = " + world.path("d/") + "}, {cmd = \"|cat > " + world.path("c") +
                  "\"}, {inc = :include:" + world.path("list") + "}, {rel = :include:list}, {none = :include:" + world.path("none") + "}";
  mailbox::write_whole(world.path("list"), "\"|true\"\n# comment\nx@there.test\n");
  ::chmod(world.path("list").c_str(), 0644);
  REQUIRE(world.deliver("file@here.test").empty());
  REQUIRE(messages(world.path("f")) == 1);
  REQUIRE(world.deliver("dir@here.test").empty());
  REQUIRE_FALSE(std::filesystem::is_empty(world.path("d/new")));
  REQUIRE(world.deliver("cmd@here.test").empty());
  REQUIRE(messages(world.path("c")) == 1);
  REQUIRE(world.deliver("inc@here.test") ==
          Lines{"bounce inc@here.test <s@there.test> failed mail to command is restricted",
                "queue from=<s@there.test> orig=<inc@here.test> to=<x@there.test> Delivered-To: inc@here.test"});
  REQUIRE(world.deliver("rel@here.test") == Lines{"bounce rel@here.test <s@there.test> failed mail system configuration error"});
  REQUIRE(world.deliver("none@here.test") == Lines{"bounce none@here.test <s@there.test> failed mail system configuration error"});
}

TEST_CASE("a user's .forward") {
  World world;
  const std::string me = world.me();
  world.settings["forward_path"] = world.path("home/.forward") + "${recipient_delimiter}${extension}," + world.path("home/.forward");
  SECTION("his mailbox and another address") {
    mailbox::write_whole(world.path("home/.forward"), "\\" + me + ", " + me + "@here.test, x@there.test\n");
    REQUIRE(world.deliver(me + "@here.test") ==
            Lines{"queue from=<s@there.test> orig=<" + me + "@here.test> to=<x@there.test> Delivered-To: " + me + "@here.test"});
    REQUIRE(messages(world.path("spool/" + me)) == 1);
  }
  SECTION("with an extension") {
    mailbox::write_whole(world.path("home/.forward"), "x@there.test\n");
    mailbox::write_whole(world.path("home/.forward+list"), "y@there.test\n");
    world.settings["propagate_unmatched_extensions"] = "forward";
    REQUIRE(world.deliver(me + "+LIST@here.test").front().contains("to=<y@there.test>"));
    REQUIRE(world.deliver(me + "+other@here.test").front().contains("to=<x+other@there.test>"));
  }
  SECTION("that anybody can write is not used") {
    mailbox::write_whole(world.path("home/.forward"), "x@there.test\n");
    ::chmod(world.path("home/.forward").c_str(), 0666);
    REQUIRE(world.deliver(me + "@here.test").empty());
    REQUIRE(messages(world.path("spool/" + me)) == 1);
  }
}

TEST_CASE("an account's mailbox by a command") {
  World world;
  world.settings["mailbox_command"] = "env > " + world.path("e");
  REQUIRE(world.deliver(world.me() + "+Ext@here.test").empty());
  const std::string environment = mailbox::read_whole(world.path("e"));
  REQUIRE(environment.contains("EXTENSION=ext\n"));
  REQUIRE(environment.contains("USER=" + world.me() + "\n"));
  REQUIRE(environment.contains("SENDER=s@there.test\n"));
}

}  // namespace
}  // namespace local
