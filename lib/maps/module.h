#pragma once
// What a table type that is loaded when it is used gives to the suite: a shared object with a function
// valija_table_module(). So no program is linked with a database's client library that it does not use.
//
// A module uses nothing of the program that loads it but what this header has, and is built by the same compiler. It does
// not log: what goes wrong is an Error, whose text is told and logged by the one who asked.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/maps/index_file.h"

namespace maps::module {

inline constexpr int interface_version = 2;

// The code of an Error of a session that is of no further use: the server is gone, or its answer was not understood. Any
// other code: the server said no, and may be asked again.
inline constexpr int connection_lost = 104;

// The code of an Error of an index whose file is damaged.
inline constexpr int damaged = 74;

// The settings of one table: its file, or NAME_... of main.cf. An error says where the bad value is.
class Settings {
 public:
  Settings() = default;
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;
  virtual ~Settings() = default;

  // Where they are, for messages: the file, or the name in main.cf.
  [[nodiscard]] virtual const std::string& source() const = 0;
  [[nodiscard]] virtual Result<std::string> string(std::string_view name, std::string_view fallback) const = 0;
  // The same, but an empty one is an error.
  [[nodiscard]] virtual Result<std::string> needed(std::string_view name, std::string_view fallback) const = 0;
  [[nodiscard]] virtual Result<bool> boolean(std::string_view name, bool fallback) const = 0;
  [[nodiscard]] virtual Result<int> integer(std::string_view name, int fallback, int least) const = 0;
};

// Where the values of an answer go. The text is copied.
class Values {
 public:
  Values() = default;
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  virtual ~Values() = default;
  // False when there are too many: who asks has an error in any case, and the rest may be left.
  [[nodiscard]] virtual bool add(std::string_view value) = 0;
};

// A text with %s and its like, which becomes a question when the parts of the key are put in, each quoted by the session.
struct Template {
  std::string what;  // "query", for messages
  std::string text;
};

// A connection to a server (or an open database), used by one thread at a time, and not always by the same.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  // `text` so that it is nothing but data in the question made of the client's template number `of`.
  [[nodiscard]] virtual Result<std::string> quote(std::size_t of, std::string_view text) = 0;
  // May block, but not without end. `questions` are the client's templates with the key in them.
  [[nodiscard]] virtual Result<void> ask(const std::vector<std::string>& questions, Values& values) = 0;
};

struct Server {
  std::string name;       // as written in the table's settings
  bool is_local = false;  // preferred to those that are not
};

// What the settings of one table say.
class Client {
 public:
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() = default;

  // May block, but not without end. For use by any thread.
  [[nodiscard]] virtual Result<std::unique_ptr<Session>> connect(const Server& server) const = 0;

  std::vector<Template> templates;
  std::vector<Server> servers;                  // tried in random order, local ones first; never empty
  std::string default_result_format = "%s";
  std::vector<std::string> warnings;            // about the settings, for the log
  std::chrono::seconds idle_interval{60};       // a session without work is closed after this; 0: never
  std::chrono::seconds retry_interval{60};      // a server is not asked for this long after it failed, if it is not the only one
  std::size_t sessions_limit = 8;               // at once
  bool connects_at_open = false;                // a file: it has to be opened before a chroot hides it
};

// A format of indexes that postmap makes.
class IndexReader {
 public:
  IndexReader() = default;
  IndexReader(const IndexReader&) = delete;
  IndexReader& operator=(const IndexReader&) = delete;
  virtual ~IndexReader() = default;
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  using Visitor = std::function<void(std::string_view key, std::string_view value)>;
  [[nodiscard]] virtual Result<void> each(const Visitor& visit) = 0;
};

// An index that is changed in place. Whoever calls holds the lock of the file, an exclusive one for changes, and calls sync()
// before he lets go of it.
class IndexStore {
 public:
  IndexStore() = default;
  IndexStore(const IndexStore&) = delete;
  IndexStore& operator=(const IndexStore&) = delete;
  virtual ~IndexStore() = default;
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  // Replaces.
  [[nodiscard]] virtual Result<void> put(std::string_view key, std::string_view value) = 0;
  [[nodiscard]] virtual Result<bool> erase(std::string_view key) = 0;
  // The entries whose keys are greater, `limit` at most; false when there are no more.
  [[nodiscard]] virtual Result<bool> walk(std::string_view after, std::size_t limit, const IndexReader::Visitor& visit) = 0;
  // Brings the changes to disk. May block, and be called by another thread.
  [[nodiscard]] virtual Result<void> sync() = 0;
};

struct IndexFormat {
  std::string_view suffix;
  // Of the file that the descriptor is open on and that has this path.
  Result<std::unique_ptr<IndexReader>> (*open)(int fd, const std::string& path);
  Result<std::unique_ptr<IndexFile>> (*build)(const std::string& path, const IndexFile::Options& options);
  // The same for changes; an empty file becomes an empty index. Null: not possible, for the reason `no_update`.
  Result<std::unique_ptr<IndexStore>> (*store)(int fd, const std::string& path);
  std::string_view no_update;
};

struct Module {
  int version = interface_version;
  // One of the two.
  Result<std::unique_ptr<Client>> (*make_client)(const Settings& settings) = nullptr;
  const IndexFormat* index = nullptr;
};

inline constexpr const char* entry_name = "valija_table_module";
using Entry = const Module* (*)();

}  // namespace maps::module
