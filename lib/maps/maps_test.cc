#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <db.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/maps/alias_source.h"
#include "lib/maps/file_lock.h"
#include "lib/maps/index_builder.h"
#include "lib/maps/network.h"
#include "lib/maps/table.h"

#include "lib/testing/catch.h"

namespace maps {
namespace {

class Directory {
 public:
  Directory() {
    path_ = (std::filesystem::temp_directory_path() / "maps-XXXXXX").string();
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name), std::ios::binary) << text; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

Tables::Options options() { return {.config_directory = {}, .default_database_type = "hash"}; }

void build(const std::string& path, IndexKind kind, int entries, const std::string& value) {
  auto builder = IndexBuilder::open(path, {.kind = kind});
  REQUIRE(builder);
  for (int i = 0; i < entries; ++i) REQUIRE(builder->put("key" + std::to_string(i), value + std::to_string(i)));
  REQUIRE(std::move(*builder).commit());
}

// "-" for not found, "!" for an error.
std::string ask(const Maps& maps, std::string_view key) {
  const auto found = maps.lookup(key);
  return !found ? "!" : *found ? **found : "-";
}
std::string ask(Table& table, std::string_view key) {
  const auto found = table.lookup(key);
  return !found ? "!" : *found ? **found : "-";
}

Maps open(Tables& tables, std::string_view value) {
  auto maps = Maps::open(tables, "some_maps", value, Flags::fold_keys);
  REQUIRE(maps);
  return std::move(*maps);
}

}  // namespace

TEST_CASE("an index that is missing fails lookups until it is there") {
  const Directory directory;
  Tables tables(options());
  const auto table = tables.open("hash:" + directory.path("t"), Flags::fold_keys);
  REQUIRE(table);
  const auto first = (*table)->lookup("key1");
  REQUIRE_FALSE(first);
  CHECK(first.error().message() == "open database " + directory.path("t") + ".db: No such file or directory");
  build(directory.path("t"), IndexKind::hash, 10, "a");
  CHECK(ask(**table, "KEY1") == "a1");
  CHECK(ask(**table, "nosuch") == "-");
}

TEST_CASE("a table is locked as Postfix locks it") {
  const Directory directory;
  directory.write("t.db", "");
  const Fd ours(::open(directory.path("t.db").c_str(), O_RDWR | O_CLOEXEC)), other(::open(directory.path("t.db").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  CHECK(lock_file(ours.get(), LockMode::shared, Deadline::min()).error().code() == EAGAIN);
  REQUIRE(::flock(other.get(), LOCK_SH) == 0);
  CHECK(lock_file(ours.get(), LockMode::shared, Deadline::min()));
  CHECK_FALSE(lock_file(ours.get(), LockMode::exclusive, Deadline::min()));
  unlock_file(ours.get());
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
}

TEST_CASE("an index that has been replaced is opened again before the next lookup") {
  const Directory directory;
  for (const auto kind : {IndexKind::hash, IndexKind::btree}) {
    const std::string name = kind == IndexKind::hash ? "hash" : "btree";
    build(directory.path(name), kind, 3000, "old");
    Tables tables(options());
    const Maps maps = open(tables, name + ":" + directory.path(name));
    CHECK(ask(maps, "key2999") == "old2999");
    build(directory.path(name), kind, 10, "new");
    CHECK(ask(maps, "key5") == "new5");
    CHECK(ask(maps, "key2999") == "-");
    std::filesystem::remove(directory.path(name + ".db"));
    CHECK(ask(maps, "key5") == "new5");  // out of sight, as in a chroot: the open one goes on
  }
}

TEST_CASE("a hash gives back what does not fit into a page") {
  const Directory directory;
  // As ours are, and as the library makes one by itself: without checksums.
  for (const bool by_library : {false, true}) {
    INFO(by_library);
    std::vector<std::pair<std::string, std::string>> entries;
    for (const std::size_t size : {1U, 900U, 1020U, 1025U, 4000U, 4096U, 70'000U}) {
      entries.emplace_back("key of " + std::to_string(size), std::string(size, 'v') + "|");
      entries.emplace_back(std::string(size, 'k') + "|", "value of " + std::to_string(size));
    }
    if (by_library) {
      DB* handle = nullptr;
      REQUIRE(::db_create(&handle, nullptr, 0) == 0);
      REQUIRE(handle->open(handle, nullptr, directory.path("l.db").c_str(), nullptr, DB_HASH, DB_CREATE, 0644) == 0);
      for (auto& [key, value] : entries) {
        DBT key_dbt{}, value_dbt{};
        key_dbt.data = key.data(), key_dbt.size = static_cast<u_int32_t>(key.size() + 1);
        value_dbt.data = value.data(), value_dbt.size = static_cast<u_int32_t>(value.size() + 1);
        REQUIRE(handle->put(handle, nullptr, &key_dbt, &value_dbt, 0) == 0);
      }
      REQUIRE(handle->close(handle, 0) == 0);
    } else {
      auto builder = IndexBuilder::open(directory.path("t"), {});
      REQUIRE(builder);
      for (const auto& [key, value] : entries) REQUIRE(builder->put(key, value));
      REQUIRE(std::move(*builder).commit());
    }
    Tables tables(options());
    const Maps maps = open(tables, "hash:" + directory.path(by_library ? "l" : "t"));
    for (const auto& [key, value] : entries) CHECK(ask(maps, key) == value);
    CHECK(ask(maps, std::string(4000, 'K') + "!") == "-");
  }
}

TEST_CASE("a damaged index is an error, never a missing key") {
  const Directory directory;
  for (const auto kind : {IndexKind::hash, IndexKind::btree}) {
    const std::string type = kind == IndexKind::hash ? "hash" : "btree";
    build(directory.path("whole"), kind, 400, "value");
    const std::string whole = directory.read("whole.db");
    for (std::size_t at = 0; at < whole.size(); at += 4096) {
      INFO(type << " cut at " << at);
      directory.write("cut.db", whole.substr(0, at));
      Tables tables(options());
      CHECK(ask(open(tables, type + ":" + directory.path("cut")), "key7") == "!");
    }
    for (std::size_t at = 4096; at + 40 < whole.size(); at += 4096) {
      std::string damaged = whole;
      for (std::size_t offset = 20; offset < 40; ++offset) damaged[at + offset] = static_cast<char>(damaged[at + offset] ^ 0x10);
      directory.write("flip.db", damaged);
      Tables tables(options());
      const Maps maps = open(tables, type + ":" + directory.path("flip"));
      for (int i = 0; i < 400; ++i) {
        const std::string answer = ask(maps, "key" + std::to_string(i));
        INFO(type << " damaged at " << at << " key " << i);
        REQUIRE((answer == "!" || answer == "value" + std::to_string(i)));
      }
    }
  }
}

TEST_CASE("a damaged index without checksums does not lose a key") {
  const char* const source = std::getenv("srcdir");
  const std::string fixtures = std::string(source != nullptr ? source : ".") + "/postmap/testdata/db/";
  const Directory directory;
  for (const std::string name : {"access-hash", "access-btree"}) {
    const std::string type = name.substr(7);
    std::filesystem::copy_file(fixtures + name + ".db", directory.path("t.db"), std::filesystem::copy_options::overwrite_existing);
    const std::string whole = directory.read("t.db");
    Tables tables(options());
    CHECK(ask(open(tables, type + ":" + directory.path("t")), "example.com") == "OK");
    for (std::size_t page = 4096; page < whole.size(); page += 4096) {
      // An unused page of the hash has nothing to lose.
      if (whole.substr(page + 20, 2) == std::string(2, '\0')) continue;
      for (const std::size_t offset : {8U, 20U, 22U, 25U, 26U}) {
        std::string damaged = whole;
        damaged[page + offset] = static_cast<char>(damaged[page + offset] ^ 0x41);
        directory.write("d.db", damaged);
        INFO(name << " page " << page / 4096 << " offset " << offset);
        const std::string answer = ask(open(tables, type + ":" + directory.path("d")), "example.com");
        CHECK((answer == "!" || answer == "OK"));
        std::filesystem::remove(directory.path("d.db"));
      }
    }
  }
}

TEST_CASE("a hash is made in as many buckets as its entries fill, and whole in the eyes of the library") {
  const Directory directory;
  for (const int entries : {0, 1, 60, 1000, 20'000}) {
    INFO(entries);
    build(directory.path("t"), IndexKind::hash, entries, "a value of some length, as they are ");
    DB* handle = nullptr;
    REQUIRE(::db_create(&handle, nullptr, 0) == 0);
    CHECK(handle->verify(handle, directory.path("t.db").c_str(), nullptr, nullptr, 0) == 0);  // ends the handle
    // Half of each page is free on the average; as many buckets again would be twice the work.
    CHECK(std::filesystem::file_size(directory.path("t.db")) < 40'000 + static_cast<unsigned>(entries) * 70U * 2);
    Tables tables(options());
    const Maps maps = open(tables, "hash:" + directory.path("t"));
    for (int i = 0; i < entries; i += 7) REQUIRE(ask(maps, "key" + std::to_string(i)).ends_with("are " + std::to_string(i)));
    CHECK(ask(maps, "key" + std::to_string(entries)) == "-");
  }
}

TEST_CASE("a builder that is abandoned leaves the index and nothing else") {
  const Directory directory;
  build(directory.path("t"), IndexKind::hash, 3, "old");
  const std::string before = directory.read("t.db");
  {
    auto builder = IndexBuilder::open(directory.path("t"), {});
    REQUIRE(builder);
    REQUIRE(builder->put("a", "b"));
  }
  CHECK(directory.read("t.db") == before);
  const auto begin = std::filesystem::directory_iterator(directory.path(""));
  CHECK(std::distance(begin, std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("a builder keeps what it is told to keep, and the mode of the index") {
  const Directory directory;
  build(directory.path("t"), IndexKind::btree, 2, "old");
  REQUIRE(::chmod(directory.path("t.db").c_str(), 0640) == 0);
  auto builder = IndexBuilder::open(directory.path("t"), {.kind = IndexKind::btree, .if_duplicate = IfDuplicate::replace, .start = StartFrom::index});
  REQUIRE(builder);
  REQUIRE(builder->put("key1", "new"));
  REQUIRE(builder->put("more", "m"));
  CHECK(builder->erase("key0").value());
  CHECK_FALSE(builder->erase("nosuch").value());
  REQUIRE(std::move(*builder).commit());
  Tables tables(options());
  const Maps maps = open(tables, "btree:" + directory.path("t"));
  CHECK(ask(maps, "key1") == "new");
  CHECK(ask(maps, "more") == "m");
  CHECK(ask(maps, "key0") == "-");
  struct stat status{};
  REQUIRE(::stat(directory.path("t.db").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0640U);
}

TEST_CASE("text tables are read again when they have changed") {
  const Directory directory;
  directory.write("t", "a one\n");
  Tables tables(options());
  const Maps maps = open(tables, "texthash:" + directory.path("t"));
  CHECK(ask(maps, "a") == "one");
  directory.write("t", "a another\n");
  CHECK(ask(maps, "a") == "another");
}

TEST_CASE("the first table that knows or fails ends a search") {
  Tables tables(options());
  CHECK(ask(open(tables, "inline:{a=1}, inline:{a=2,b=3}"), "a") == "1");
  CHECK(ask(open(tables, "inline:{a=1}, inline:{a=2,b=3}"), "b") == "3");
  const Maps failing = open(tables, "inline:{a=1} fail:x static:y");
  CHECK(ask(failing, "a") == "1");
  const auto failed = failing.lookup("b");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message() == "fail:x lookup error for \"b\": Application error");
  CHECK(tables.open("inline:{a=1}", Flags::fold_keys).value() == tables.open("inline:{a=1}", Flags::fold_keys).value());
  CHECK(Maps::open(tables, "some_maps", "xyz:a", Flags::none).error().message() == "some_maps: unsupported dictionary type: xyz");
}

TEST_CASE("addresses are asked from the whole to the domain") {
  Tables tables(options());
  const auto search = [](const void*, std::string_view domain) { return domain == "local.example"; };
  const AddressSearch how{.delimiters = {"+"}, .is_local_domain = search};
  struct Row {
    const char* table;
    const char* address;
    const char* found;
    const char* extension;
  };
  const Row rows[] = {
      {"inline:{u+x@d.example=1, u@d.example=2, @d.example=3}", "u+x@d.example", "1", ""},
      {"inline:{u@d.example=2, @d.example=3}", "u+x@d.example", "2", "+x"},
      {"inline:{@d.example=3}", "u+x@d.example", "3", ""},
      {"inline:{u=4, u+x=5}", "u+x@d.example", "-", ""},
      {"inline:{u=4, u+x=5}", "u+x@local.example", "5", ""},
      {"inline:{u=4, @local.example=6}", "u+x@local.example", "4", "+x"},
      {"inline:{u=4}", "U", "4", ""},
      {"inline:{ {\"a b\"@d.example=7} }", "a b@d.example", "7", ""},
      {"inline:{ {a b@d.example=8} }", "a b@d.example", "8", ""},
      {"regexp:{{/^u@d/ 9} {/^@d/ 10}}", "u+x@d.example", "-", ""},
  };
  for (const Row& row : rows) {
    INFO(row.table << " " << row.address);
    std::string extension = "?";
    const auto found = find_address(open(tables, row.table), row.address, how, &extension);
    REQUIRE(found);
    CHECK(found->value_or("-") == row.found);
    CHECK(extension == row.extension);
  }
}

TEST_CASE("domains are asked with their parents") {
  Tables tables(options());
  const Maps maps = open(tables, "inline:{a.example=1, .b.example=2, c.example=3}");
  const auto ask_domain = [&](std::string_view domain, bool parents_match) { return find_domain(maps, domain, parents_match).value().value_or("-"); };
  CHECK(ask_domain("A.example", false) == "1");
  CHECK(ask_domain("x.a.example", false) == "-");
  CHECK(ask_domain("x.a.example", true) == "1");
  CHECK(ask_domain("b.example", false) == "-");
  CHECK(ask_domain("x.y.b.example", false) == "2");
  CHECK(ask_domain("x.y.c.example", true) == "3");
}

TEST_CASE("lists match names, parents, networks, files and tables, in order") {
  const Directory directory;
  directory.write("list", "# comment\nin-file.example\n  other.example, 192.0.2.0/24\n");
  Tables tables(options());
  const auto list = [&](const std::string& value, ListKind kind, bool parents) { return MatchList::parse(tables, "some_list", value, kind, parents).value(); };
  const std::string file = directory.path("list");

  CHECK(list("a.example, B.example", ListKind::string, false).matches("b.EXAMPLE").value());
  CHECK_FALSE(list("a.example", ListKind::string, false).matches("x.a.example").value());
  CHECK(list("a.example", ListKind::domain, true).matches("x.a.example").value());
  CHECK_FALSE(list("a.example", ListKind::domain, true).matches("xa.example").value());
  CHECK_FALSE(list("a.example", ListKind::domain, false).matches("x.a.example").value());
  CHECK(list(".a.example", ListKind::domain, false).matches("x.a.example").value());
  CHECK_FALSE(list("!x.a.example, .a.example", ListKind::domain, false).matches("x.a.example").value());
  CHECK(list("inline:{.a.example=1}", ListKind::domain, false).matches("x.a.example").value());
  CHECK(list(file, ListKind::string, false).matches("other.example").value());
  CHECK_FALSE(list("!" + file + ", static:all", ListKind::string, false).matches("in-file.example").value());
  CHECK(list("!" + file + ", static:all", ListKind::string, false).matches("else.example").value());
  CHECK(list(file, ListKind::address, false).matches("192.0.2.7").value());
  CHECK(list("127.0.0.0/8 [::1]/128", ListKind::address, false).matches("::1").value());
  CHECK(list("127.0.0.0/8, !127.0.0.1", ListKind::address, false).matches("127.0.0.1").value());
  CHECK(list("localhost", ListKind::address, false).matches("localhost", "127.0.0.1").value());
  CHECK_FALSE(list("127.0.0", ListKind::address, false).matches("127.0.0.1").value());
  CHECK(list("cidr:{{127.0.0.1 x}}", ListKind::address, false).matches("127.0.0.1").value());

  const auto failure = [&](const std::string& value) { return list(value, ListKind::address, false).matches("127.0.0.1").error().message(); };
  CHECK(failure("127.0.0.1/8") ==
        "some_list: non-null host address bits in \"127.0.0.1/8\", perhaps you should use \"127.0.0.0/8\" instead");
  CHECK(failure("1.2.3.4/99 127.0.0.1") == "some_list: bad mask length in \"1.2.3.4/99\"");
  CHECK(failure("fail:x") == "some_list: fail:x: table lookup problem: Application error");
  CHECK(failure("/nonexistent") == "some_list: non-existent:/nonexistent: table lookup problem: open file /nonexistent: No such file or directory");
  CHECK(failure("xyz:a") == "some_list: xyz:a: table lookup problem: unsupported dictionary type: xyz");
}

TEST_CASE("keys and values that are not UTF-8 are not taken where UTF-8 is on") {
  Tables tables(options());
  const auto table = tables.open("static:x", Flags::utf8).value();
  CHECK(ask(*table, "a\xff") == "-");
  CHECK(ask(*tables.open("static:\xff", Flags::utf8).value(), "a") == "!");
  CHECK(ask(*tables.open("inline:{\xd0\xba=1}", Flags::utf8 | Flags::fold_keys).value(), "\xd0\x9a") == "1");
}

TEST_CASE("aliases are found in both forms of their names") {
  Tables tables(options());
  CHECK(find_alias(open(tables, "inline:{ {\"a b\" = new}, {a b = old} }"), "a b").value() == "new");
  CHECK(find_alias(open(tables, "inline:{ {a b = old} }"), "a b").value() == "old");
}

TEST_CASE("results with $1 can be refused") {
  Tables tables(options());
  const auto table = tables.open("regexp:{{/^(a)$/ x$1} {/^a/ y}}", Flags::no_substitution).value();
  CHECK(ask(*table, "a") == "y");
}

}  // namespace maps
