// Our answers against those of Debian's trivial-rewrite (testdata/reference.txt).

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "lib/base/ascii.h"
#include "lib/config/interfaces.h"
#include "services/rewrite/service.h"

#include "lib/testing/catch.h"

namespace rewrite {
namespace {

constexpr int flag_routed = 2, flag_error = 4, flag_fail = 8;

ipc::AddressClass class_of(int flags) {
  if ((flags & 256) != 0) return ipc::AddressClass::local;
  if ((flags & 512) != 0) return ipc::AddressClass::virtual_alias;
  if ((flags & 1024) != 0) return ipc::AddressClass::virtual_mailbox;
  if ((flags & 2048) != 0) return ipc::AddressClass::relay;
  return ipc::AddressClass::other;
}

std::vector<std::string> split_tabs(const std::string& line) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, '\t');) parts.push_back(part);
  if (line.ends_with('\t')) parts.emplace_back();
  return parts;
}

// One configuration of the file, and who answers under it.
struct Subject {
  std::unique_ptr<maps::Tables> tables;
  Answers answers;
};

std::unique_ptr<Subject> subject_for(const std::map<std::string, std::string>& settings) {
  std::string text = "inet_protocols = ipv4\n";
  for (const auto& [name, value] : settings) text += name + " = " + value + "\n";
  const auto main = config::Main::parse(text, "/etc/postfix");
  REQUIRE(main);
  const auto params = Params::load(*main);
  INFO((params ? std::string() : params.error().message()));
  REQUIRE(params);
  auto tables = std::make_unique<maps::Tables>(maps::Tables::Options{.config_directory = {}, .default_database_type = "hash"});
  auto answers = Answers::make(*params, *tables, config::own_addresses(*main).value());
  REQUIRE(answers);
  return std::make_unique<Subject>(Subject{std::move(tables), std::move(*answers)});
}

void check_resolve(const Answers& answers, const std::vector<std::string>& row) {
  REQUIRE(row.size() == 6);
  const auto answer = answers.answer({ipc::AddressQuestion::resolve, "", "", row[1]});
  const int flags = std::stoi(row[5]);
  if ((flags & flag_fail) != 0) {
    CHECK(answer.status == ipc::ResolveStatus::fail);
    return;
  }
  CHECK(answer.address == row[4]);
  CHECK(answer.has_routing == ((flags & flag_routed) != 0));
  CHECK(answer.address_class == class_of(flags));
  if ((flags & flag_error) != 0) {
    CHECK(answer.status == ipc::ResolveStatus::error);
    return;
  }
  CHECK(answer.status == ipc::ResolveStatus::ok);
  CHECK(answer.transport == row[2]);
  CHECK(answer.nexthop == row[3]);
}

std::string test_data(const std::string& name) {
  const char* const source = std::getenv("srcdir");
  return std::string(source != nullptr ? source : ".") + "/services/rewrite/testdata/" + name;
}

}  // namespace

TEST_CASE("addresses mean what they mean to Postfix") {
  std::ifstream file(test_data("reference.txt"));
  REQUIRE(file);
  std::map<std::string, std::string> defaults;
  std::map<std::string, std::string> settings;
  std::string config;
  std::unique_ptr<Subject> subject;
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    if (line.starts_with("config ")) {
      if (defaults.empty()) defaults = settings;
      settings = defaults;
      config = line.substr(7);
      subject.reset();
      continue;
    }
    if (line.starts_with("set ")) {
      const std::size_t equals = line.find('=');
      settings[line.substr(4, equals - 4)] = line.substr(equals + 1);
      continue;
    }
    if (!subject) subject = subject_for(settings);
    const std::vector<std::string> row = split_tabs(line);
    INFO(config << ": " << row[0] << " |" << row[1] << "|");
    ++rows;
    if (row[0] == "resolve") {
      check_resolve(subject->answers, row);
    } else {
      CHECK(subject->answers.answer({ipc::AddressQuestion::rewrite, row[0], "", row[1]}).address == row[2]);
    }
  }
  CHECK(rows > 1000);
}

TEST_CASE("where mail goes may depend on its sender") {
  const auto subject = subject_for({
      {"myhostname", "mail.example.test"},
      {"mydomain", "example.test"},
      {"myorigin", "example.test"},
      {"mydestination", "example.test"},
      {"relayhost", "[usual]"},
      {"recipient_delimiter", "+"},
      {"relay_domains", "relayed.test"},
      {"sender_dependent_relayhost_maps", "inline:{{joe@example.test=[joes]}, {ann=[anns]}, {@away.test=[away]}, {x@away.test=dunno}, {nobody=[nobodys]}}"},
      {"sender_dependent_default_transport_maps", "inline:{{tom@example.test=lmtp:there}, {tim@example.test=lmtp:}, {bad@example.test=:there}, {<>=discard:null}}"},
      {"empty_address_relayhost_maps_lookup_key", "nobody"},
      {"relocated_maps", "inline:{{gone=there}, {@moved.test=new.test}}"},
  });
  const auto route = [&](std::string_view sender, std::string_view recipient) {
    const auto answer = subject->answers.answer({ipc::AddressQuestion::resolve, "", std::string(sender), std::string(recipient)});
    return answer.status == ipc::ResolveStatus::fail ? "failed" : answer.transport + ":" + answer.nexthop;
  };
  CHECK(route("joe@example.test", "r@far.test") == "smtp:[joes]");
  CHECK(route("joe+x@example.test", "r@far.test") == "smtp:[joes]");
  CHECK(route("ann@example.test", "r@far.test") == "smtp:[anns]");
  CHECK(route("ann@other.test", "r@far.test") == "smtp:[usual]");
  CHECK(route("any@away.test", "r@far.test") == "smtp:[away]");
  CHECK(route("x@away.test", "r@far.test") == "smtp:[usual]");
  CHECK(route("joe@example.test", "r@relayed.test") == "relay:[joes]");
  CHECK(route("", "r@relayed.test") == "relay:[nobodys]");
  CHECK(route("", "r@far.test") == "discard:null");
  CHECK(route("tom@example.test", "r@far.test") == "lmtp:there");
  CHECK(route("tim@example.test", "r@far.test") == "lmtp:[usual]");
  CHECK(route("tom@example.test", "r@relayed.test") == "relay:[usual]");
  CHECK(route("bad@example.test", "r@far.test") == "failed");
  CHECK(route("joe@example.test", "r@example.test") == "local:mail.example.test");
  CHECK(route("joe@example.test", "gone+x@example.test") == "error:5.1.6 User has moved to there");
  CHECK(route("joe@example.test", "any@moved.test") == "error:5.1.6 User has moved to new.test");
}

}  // namespace rewrite
