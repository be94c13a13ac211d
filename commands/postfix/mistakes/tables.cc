#include <algorithm>
#include <array>

#include <fmt/core.h>

#include <sys/stat.h>
#include <unistd.h>

#include "commands/postfix/mistakes.h"
#include "lib/base/ascii.h"
#include "lib/config/record.h"
#include "lib/maps/list.h"
#include "lib/maps/registry.h"
#include "lib/maps/table.h"

namespace postfix {
namespace {

// Lists whose items may be files with more items.
constexpr std::array match_lists{
    std::string_view("debug_peer_list"), std::string_view("fast_flush_domains"),    std::string_view("mydestination"),
    std::string_view("mynetworks"),      std::string_view("relay_domains"),         std::string_view("virtual_alias_domains"),
    std::string_view("smtpd_authorized_verp_clients"),                               std::string_view("virtual_mailbox_domains")};

struct Index {
  std::string_view type, suffix;
};
constexpr std::array indexed_types{Index{"hash", ".db"}, Index{"btree", ".db"}, Index{"cdb", ".cdb"}, Index{"lmdb", ".lmdb"}};
// Read as they are.
constexpr std::array text_types{std::string_view("texthash"), std::string_view("cidr"), std::string_view("regexp"),
                                std::string_view("pcre")};

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_older(const std::string& one, const std::string& other) {
  struct stat of_one {}, of_other {};
  if (::stat(one.c_str(), &of_one) != 0 || ::stat(other.c_str(), &of_other) != 0) return false;
  return of_one.st_mtim.tv_sec < of_other.st_mtim.tv_sec;
}

bool looks_like_type(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

class Examiner {
 public:
  Examiner(const config::Main& main, Mistakes& mistakes)
      : mistakes_(mistakes), tables_({.config_directory = main.directory(),
                                      .default_database_type = main.expand("default_database_type").value_or("hash")}) {}

  void examine(const config::Main& main, std::string_view name, std::string_view value, const std::string& where) {
    if (name.contains("_cache_") || name == "address_verify_map") return;  // whoever uses it makes it
    const auto expanded = main.expand_text(value);
    if (!expanded) return;  // told already
    const config::Record* const record = config::limits_of(name);
    const bool is_list = record != nullptr && record->is_list;
    const bool is_of_tables = name.ends_with("_maps") || name.ends_with("_checks");
    const bool has_files = std::ranges::find(match_lists, name) != match_lists.end();
    for (std::string_view item : maps::split_list(*expanded)) {
      if (item.starts_with('!')) item.remove_prefix(1);
      if (has_files && item.starts_with('/')) examine_file(name, std::string(item), where);
      if (item.starts_with("proxy:")) item.remove_prefix(6);
      const std::size_t colon = item.find(':');
      if (colon == std::string_view::npos || !looks_like_type(item.substr(0, colon))) continue;
      const std::string_view type = item.substr(0, colon), rest = item.substr(colon + 1);
      // What stands in other lists with a colon is a service, an address, a time.
      if (maps::find_type(type) == nullptr && !is_of_tables && (!is_list || !rest.starts_with('/'))) continue;
      examine_table(name, type, rest, where);
    }
  }

 private:
  void examine_file(std::string_view name, const std::string& path, const std::string& where) {
    if (::access(path.c_str(), R_OK) == 0) return;
    mistakes_.add(where, fmt::format("{}: {}", name, base::Error::system("open file " + path).message()));
  }

  void examine_table(std::string_view name, std::string_view type, std::string_view path, const std::string& where) {
    const auto* const index = std::ranges::find(indexed_types, type, &Index::type);
    if (index != indexed_types.end()) {
      if (maps::find_type(type) != nullptr) return examine_index(*index, name, std::string(path), where);
    } else if (maps::find_type(type) != nullptr && std::ranges::find(text_types, type) == text_types.end()) {
      return;  // somebody else's, or nobody's file
    }
    const std::string full_name = fmt::format("{}:{}", type, path);
    auto table = tables_.open(full_name, maps::Flags::no_proxy);
    const Result<void> ready = table ? (*table)->ready() : base::fail(table.error().message());
    if (!ready) mistakes_.add(where, fmt::format("{}: {}", name, ready.error().message()));
  }

  void examine_index(const Index& index, std::string_view name, const std::string& path, const std::string& where) {
    const std::string built = path + std::string(index.suffix);
    const bool of_aliases = name.contains("alias_maps") && !name.contains("virtual");
    const std::string remedy = of_aliases || name == "alias_database"
                                   ? fmt::format("run 'postalias {}:{}'", index.type, path)
                                   : fmt::format("run 'postmap {}:{}'", index.type, path);
    if (!exists(built)) {
      mistakes_.add(where, exists(path) ? fmt::format("{}: open database {}: No such file or directory: {}", name, built, remedy)
                                        : fmt::format("{}: open database {}: No such file or directory: write {}, then {}", name,
                                                      built, path, remedy));
    } else if (is_older(built, path)) {
      mistakes_.add(where, fmt::format("{}: database {} is older than source file {}: {}", name, built, path, remedy));
    } else if (::access(built.c_str(), R_OK) != 0) {
      mistakes_.add(where, fmt::format("{}: {}", name, base::Error::system("open database " + built).message()));
    }
  }

  Mistakes& mistakes_;
  maps::Tables tables_;
};

}  // namespace

void examine_tables(const Examined& examined, Mistakes& mistakes) {
  Examiner examiner(examined.main, mistakes);
  for (const config::Entry& entry : examined.main.entries()) {
    examiner.examine(examined.main, entry.name, entry.value, entry.where());
  }
  for (const config::MasterEntry& service : examined.services) {
    for (const std::string& text : service.overrides()) {
      if (const auto setting = config::parse_setting(text)) {
        examiner.examine(examined.main, setting->name, setting->value, service.where());
      }
    }
  }
}

}  // namespace postfix
