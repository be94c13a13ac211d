#include <cstdlib>
#include <filesystem>

#include "services/proxymap/service.h"

#include "lib/testing/catch.h"

namespace proxymap {
namespace {

using ipc::TableOperation;
using ipc::TableStatus;

Answers answers_for(Access access, std::string_view approved) {
  return Answers(access, ApprovedTables::parse(approved),
                 std::make_unique<maps::Tables>(maps::Tables::Options{.config_directory = {}, .default_database_type = "hash"}));
}

ipc::TableRequest request(TableOperation operation, std::string table, std::string key = "", std::string value = "") {
  return {operation, std::move(table), static_cast<unsigned>(maps::Flags::fold_keys), std::move(key), std::move(value)};
}

}  // namespace

TEST_CASE("tables named with proxy: are approved wherever they stand") {
  const auto approved = ApprovedTables::parse(
      "hash:/a proxy:hash:/b, !proxy:cidr:/c check_client_access proxy:cidr:/d {check_sender_access proxy:hash:/e} "
      "unionmap:{static:x, proxy:hash:/f} proxy:inline:{{k=v}, {x=proxy:hash:/g}}");
  for (const char* const name : {"hash:/b", "cidr:/c", "cidr:/d", "hash:/e", "hash:/f", "inline:{{k=v}, {x=proxy:hash:/g}}"}) {
    INFO(name);
    CHECK(approved.contains(name));
  }
  CHECK_FALSE(approved.contains("hash:/a"));
  CHECK_FALSE(approved.contains("hash:/g"));
  CHECK(approved.size() == 6);
}

TEST_CASE("only approved tables are read, and none is changed through the reading service") {
  Answers answers = answers_for(Access::read, "proxy:inline:{k=v} proxy:fail:x");
  CHECK(answers.answer(request(TableOperation::open, "inline:{k=v}")).status == TableStatus::ok);
  const auto found = answers.answer(request(TableOperation::lookup, "inline:{k=v}", "K"));
  CHECK(found.status == TableStatus::ok);
  CHECK(found.value == "v");
  CHECK(answers.answer(request(TableOperation::lookup, "inline:{k=v}", "x")).status == TableStatus::not_found);
  CHECK(answers.answer(request(TableOperation::lookup, "fail:x", "x")).status == TableStatus::failed);
  CHECK(answers.answer(request(TableOperation::lookup, "static:x", "x")).status == TableStatus::denied);
  CHECK(answers.answer(request(TableOperation::lookup, "static", "x")).status == TableStatus::invalid);
  CHECK(answers.answer(request(TableOperation::put, "inline:{k=v}", "x", "y")).status == TableStatus::denied);
  CHECK(answers.answer(request(TableOperation::erase, "inline:{k=v}", "x")).status == TableStatus::denied);
}

TEST_CASE("the writing service keeps entries") {
  std::string directory = (std::filesystem::temp_directory_path() / "proxymap-XXXXXX").string();
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string table = "btree:" + directory + "/cache";
  {
    Answers answers = answers_for(Access::write, "proxy:" + table);
    CHECK(answers.answer(request(TableOperation::put, table, "Key", "one")).status == TableStatus::ok);
    CHECK(answers.answer(request(TableOperation::put, table, "key", "two")).status == TableStatus::ok);
    CHECK(answers.answer(request(TableOperation::lookup, table, "key")).value == "two");
  }
  Answers answers = answers_for(Access::write, "proxy:" + table);
  CHECK(answers.answer(request(TableOperation::lookup, table, "KEY")).value == "two");
  CHECK(answers.answer(request(TableOperation::erase, table, "key")).status == TableStatus::ok);
  CHECK(answers.answer(request(TableOperation::erase, table, "key")).status == TableStatus::not_found);
  std::filesystem::remove_all(directory);
}

}  // namespace proxymap
