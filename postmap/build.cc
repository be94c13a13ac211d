#include "postmap/build.h"

#include <array>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/fd.h"
#include "lib/log/log.h"
#include "lib/maps/alias_source.h"
#include "lib/maps/checked.h"
#include "lib/maps/index_builder.h"
#include "lib/maps/list.h"
#include "lib/maps/registry.h"
#include "lib/maps/source.h"
#include "lib/maps/text_table.h"
#include "lib/process/acting_as.h"

namespace postmap {
namespace {

constexpr std::size_t source_limit = std::size_t{4} * 1024 * 1024 * 1024;  // bytes
constexpr std::size_t value_file_limit = 16 * 1024 * 1024;                 // bytes of a file named in a value (-F)

struct Source {
  std::string text;
  struct stat status{};
};

Result<Source> read_source(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return base::fail_system(fmt::format("open {}", path));
  Source source;
  if (::fstat(file.get(), &source.status) != 0) return base::fail_system(fmt::format("fstat {}", path));
  if (!S_ISREG(source.status.st_mode)) return base::fail(fmt::format("open {}: not a regular file", path));
  auto text = maps::read_text_file(file.get(), source_limit);
  if (!text) return base::Failure(std::move(text).error().within(path));
  source.text = std::move(*text);
  return source;
}

// The kind of a type that has an index which can be made here.
std::optional<maps::IndexKind> index_kind(const Job& job, const TableName& table) {
  const auto kind = maps::index_kind(table.type);
  return kind && job.tables.knows(table.type) ? kind : std::nullopt;
}

// The kind of index, or why there is none.
Result<maps::IndexKind> kind_of(const Job& job, const TableName& table) {
  if (const auto kind = index_kind(job, table)) return *kind;
  if (table.type == "fail") return base::fail(fmt::format("table {}: write error: Application error", table.full()));
  if (table.type == "proxy") return base::fail("can't create maps via the proxy service");
  if (!job.tables.knows(table.type)) {
    static_cast<void>(maps::unsupported_type(table.type));
    return base::fail(fmt::format("unsupported map type: {}", table.type));
  }
  return base::fail(fmt::format("no 'map create' support for this type: {}", table.type));
}

// The contents of the files that a value names, one line break between two of them, in base64 (-F).
Result<std::string> contents_of_files(std::string_view value) {
  std::string contents;
  for (const std::string_view name : maps::split_list(value)) {
    const std::string path(name);
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return base::fail_system(fmt::format("open {}", path));
    auto text = maps::read_text_file(file.get(), value_file_limit);
    if (!text) return base::Failure(std::move(text).error().within(path));
    if (!contents.empty()) contents += '\n';
    contents += *text;
  }
  return base::encode_base64(contents);
}

// `builder` makes an index, or is a table that somebody else changes (proxy:).
template <class Entries>
Result<void> put_map_entries(const Job& job, Entries& builder, std::string_view text, std::string_view file) {
  maps::MapSource source(text, file, {.utf8 = job.utf8});
  while (const auto entry = source.next()) {
    const std::string key = job.options.fold ? maps::fold_key(entry->key, job.utf8) : std::string(entry->key);
    if (!job.options.file_values) {
      TRY(builder.put(key, entry->value));
      continue;
    }
    const auto contents = contents_of_files(entry->value);
    if (contents) {
      TRY(builder.put(key, *contents));
    } else {
      maillog::warning("{}, line {}: {}: skipping this entry", file, entry->line, contents.error().message());
    }
  }
  return {};
}

template <class Entries>
Result<void> put_alias_entries(const Job& job, Entries& builder, std::string_view text, std::string_view file) {
  maps::AliasSource source(text, file, job.utf8);
  while (const auto entry = source.next()) {
    TRY(builder.put(job.options.fold ? maps::fold_key(entry->key, job.utf8) : entry->key, entry->value));
  }
  return {};
}

// What sendmail and NIS look for in an alias table; the last two without NUL.
Result<void> put_own_entries(maps::IndexBuilder& builder) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return base::fail_system("gethostname");
  TRY(builder.put_own(std::string_view("@", 2), std::string_view("@", 2)));
  TRY(builder.put_own("YP_LAST_MODIFIED", fmt::format("{}", std::time(nullptr))));
  return builder.put_own("YP_MASTER_NAME", host.data());
}

// Signals that would end the command wait while a table is in the making.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, &before_);
  }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;
  ~SignalsWait() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

Result<maps::IndexBuilder::Options> builder_options(const Job& job, const TableName& table, maps::IndexKind kind) {
  return maps::IndexBuilder::Options{
      .kind = kind,
      .format = TRY(job.tables.index_format(table.type)),
      // Postfix's keys have none in a cdb, unless they are asked for.
      .with_nul = kind == maps::IndexKind::cdb ? job.options.with_nul : !job.options.without_nul,
      .if_duplicate = job.options.if_duplicate,
      .start = job.options.action == Action::add ? maps::StartFrom::index_if_any : maps::StartFrom::nothing,
      .cache_bytes = static_cast<std::size_t>(job.params.berkeley_db_create_buffer_size),
      .map_bytes = static_cast<std::size_t>(job.params.lmdb_map_size),
  };
}

// Through proxywrite, which says whether the table may be changed. An entry that is there is replaced, with or without -r.
Result<void> add_by_proxy(const Job& job, const TableName& table, std::string_view text) {
  const auto opened = TRY(job.tables.open_for_update(table.full(), job.flags()));
  auto added = job.dialect.is_alias ? put_alias_entries(job, *opened, text, "stdin") : put_map_entries(job, *opened, text, "stdin");
  if (!added) return base::fail(fmt::format("table {}: {}", table.full(), added.error().message()));
  return {};
}

Result<void> build_one(const Job& job, const TableName& table) {
  Source source;
  if (job.options.action == Action::add) {
    source.text = TRY(read_standard_input());
    if (table.type == "proxy") return add_by_proxy(job, table, source.text);
  } else {
    source = TRY(read_source(table.name));
  }
  const maps::IndexKind kind = TRY(kind_of(job, table));
  auto options = TRY(builder_options(job, table, kind));
  const bool has_source = job.options.action == Action::build;
  // Readable for whom the source is; who may write it stays our own decision.
  if (has_source && job.options.inherit_mode) options.mode = 0600 | (source.status.st_mode & 0044U);
  const bool drops = has_source && job.options.act_as_owner;
  const process::ActingAs acting = TRY(process::ActingAs::owner(drops ? source.status.st_uid : 0, source.status.st_gid));
  const SignalsWait signals;
  maps::IndexBuilder builder = TRY(maps::IndexBuilder::open(table.name, options));
  const std::string_view file = has_source ? std::string_view(table.name) : "stdin";
  if (job.dialect.is_alias) {
    TRY(put_alias_entries(job, builder, source.text, file));
    TRY(put_own_entries(builder));
  } else {
    TRY(put_map_entries(job, builder, source.text, file));
  }
  return std::move(builder).commit();
}

// "-d -": a key per line.
Result<std::vector<std::string>> keys_to_erase(const Job& job) {
  std::vector<std::string> keys;
  if (job.options.key != "-") {
    keys.push_back(job.options.key);
    return keys;
  }
  const std::string input = TRY(read_standard_input());
  for (std::string_view rest = input; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    keys.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return keys;
}

Result<bool> erase_key(const Job& job, maps::IndexBuilder& builder, std::string_view key) {
  const std::string folded = job.options.fold ? maps::fold_key(key, job.utf8) : std::string(key);
  if (TRY(builder.erase(folded))) return true;
  return job.dialect.is_alias && TRY(builder.erase(maps::quoted_alias(folded)));
}

Result<bool> erase_from(const Job& job, const TableName& table, const std::vector<std::string>& keys) {
  const auto kind = index_kind(job, table);
  if (!kind) {
    // A type without an index of ours: it says itself why it cannot.
    const auto opened = TRY(job.tables.open_for_update(table.full(), job.flags()));
    bool erased = false;
    for (const std::string& key : keys) {
      auto gone = opened->erase(key);
      if (!gone) return base::fail(fmt::format("table {}: {}", table.full(), gone.error().message()));
      erased = *gone || erased;
    }
    return erased;
  }
  struct stat status{};
  const bool known = ::stat((table.name + std::string(maps::index_suffix(*kind))).c_str(), &status) == 0;
  const process::ActingAs acting = TRY(process::ActingAs::owner(known && job.options.act_as_owner ? status.st_uid : 0, status.st_gid));
  auto options = TRY(builder_options(job, table, *kind));
  options.start = maps::StartFrom::index;
  const SignalsWait signals;
  maps::IndexBuilder builder = TRY(maps::IndexBuilder::open(table.name, options));
  bool erased = false;
  for (const std::string& key : keys) erased = TRY(erase_key(job, builder, key)) || erased;
  if (erased) TRY(std::move(builder).commit());
  return erased;
}

}  // namespace

Result<int> build(const Job& job) {
  for (const std::string& name : job.options.tables) TRY(build_one(job, split_table_name(job, name)));
  return 0;
}

Result<int> erase(const Job& job) {
  const std::vector<std::string> keys = TRY(keys_to_erase(job));
  bool erased = false;
  for (const std::string& name : job.options.tables) {
    erased = TRY(erase_from(job, split_table_name(job, name), keys)) || erased;
  }
  return erased ? 0 : 1;
}

}  // namespace postmap
