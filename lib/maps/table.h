#pragma once
// A lookup table, "type:name", and a list of them. A lookup ends in one of three ways: found (maybe an empty string),
// not found, or an Error: the table could not be asked, and nobody may conclude that the key is absent.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/mail/address.h"
#include "lib/maps/modules.h"

namespace config {
class Main;
}

namespace ipc {
class Connections;
}

namespace maps {

namespace module {
struct IndexFormat;
}

using Found = std::optional<std::string>;

// What shapes how a table is opened and asked; a sum of bits.
enum class Flags : unsigned {
  none = 0,
  fold_keys = 1,          // lower-case the key (all tables of addresses and hosts); tables with fixed strings only
  utf8 = 2,               // smtputf8_enable: keys that are not UTF-8 are never found
  no_proxy = 4,           // open "proxy:type:name" directly (proxymap itself, set-uid commands)
  no_substitution = 8,    // regexp and pcre results with $1 are refused (no part of the result may come from the key)
  with_nul = 16,          // hash and btree: keys are stored with their NUL only (postmap -N) ...
  without_nul = 32,       // ... or without only (postmap -n); neither bit: the file tells
  no_anybody = 64,        // tables whose server may be anybody (tcp, socketmap, memcache) are not asked
};
[[nodiscard]] constexpr Flags operator|(Flags a, Flags b) {
  return static_cast<Flags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(Flags set, Flags flag) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(flag)) != 0;
}

// Of tables whose results become commands, paths or identities.
inline constexpr Flags security_sensitive = Flags::no_proxy | Flags::no_substitution | Flags::no_anybody;

class Table {
 public:
  explicit Table(std::string name) : name_(std::move(name)) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  virtual ~Table() = default;

  // May park the fiber (proxy:). A single-file table that has changed on disk is opened again first.
  [[nodiscard]] virtual Result<Found> lookup(std::string_view key) = 0;

  // Fixed-string tables are also asked with parts of an address or name ("user", "@domain", ".parent"); patterns, cidr
  // and static are asked once with the whole key.
  [[nodiscard]] virtual bool has_fixed_keys() const { return true; }

  // Opens what is not open yet. The error is the reason for which a lookup would fail now: for commands, which want to
  // hear of a missing file before they ask.
  [[nodiscard]] virtual Result<void> ready() { return {}; }

  // Every entry, in the table's own order.
  using Visitor = std::function<void(std::string_view key, std::string_view value)>;
  [[nodiscard]] virtual Result<void> each(const Visitor& visit) {
    static_cast<void>(visit);
    return base::fail("sequence operation is not supported");
  }

  // Change an entry: tables that are caches (verify, postscreen, TLS sessions by way of proxywrite). put replaces; erase
  // says whether there was an entry.
  [[nodiscard]] virtual Result<void> put(std::string_view key, std::string_view value) {
    static_cast<void>(key), static_cast<void>(value);
    return base::fail("write operation is not supported");
  }
  [[nodiscard]] virtual Result<bool> erase(std::string_view key) {
    static_cast<void>(key);
    return base::fail("delete operation is not supported");
  }
  // The same for many keys, which are brought to disk together. Those that are not there are no error.
  [[nodiscard]] virtual Result<void> erase_all(std::span<const std::string> keys);
  // The entries that come after the one of this key, in the table's own order; with an empty key from the first on. About
  // `limit` of them at most. False when there are no more. Between two calls others may change the table.
  [[nodiscard]] virtual Result<bool> walk(std::string_view after, std::size_t limit, const Visitor& visit) {
    static_cast<void>(after), static_cast<void>(limit), static_cast<void>(visit);
    return base::fail("sequence operation is not supported");
  }

  // "type:name", for the log.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

// Whether a file that has changed is read again by those who use it, as long as they can reach it.
enum class Rereads { when_changed, never };

// Where tables come from. One per process: equal names share one open table.
class Tables {
 public:
  struct Options {
    std::string config_directory;       // for relative names; empty: they stay relative to the working directory
    std::string default_database_type;  // for a name without type
    std::string proxymap_socket = "private/proxymap";
    std::string proxywrite_socket = "private/proxywrite";
    std::size_t socketmap_max_query_size = 10000, socketmap_max_reply_size = 100000;  // bytes, see the parameters of these names
    ipc::Connections* services = nullptr;  // for proxy: tables; borrowed. Without it they cannot be opened.
    // Told of each file that a table or list is read from, as it is opened: who is in a chroot later cannot look again.
    std::function<void(const std::string& path, Rereads)> on_file = {};
    ModulePlaces modules = {};
    // What main.cf has under a name that is no parameter, expanded: NAME_hosts of "mysql:NAME".
    std::function<Result<std::optional<std::string>>(const std::string& name)> main_setting = {};

    // What main.cf says of all this. `main` must outlive the tables.
    static Result<Options> of(const config::Main& main);
  };
  explicit Tables(Options options);
  ~Tables();
  // A missing file is not an error here but at each lookup, as in Postfix; an unknown type or a syntax error is.
  [[nodiscard]] Result<std::shared_ptr<Table>> open(std::string_view type_and_name, Flags flags);
  // The same for reading and writing, of a cache: an index that is missing is made, and one that is damaged is emptied, with a
  // warning. A type without put and erase says so there.
  [[nodiscard]] Result<std::shared_ptr<Table>> open_for_update(std::string_view type_and_name, Flags flags);
  // Whether there is such a type. A module of this type is loaded now: for who cannot do so later.
  [[nodiscard]] bool knows(std::string_view type);
  // The format of a type of index that a module has; null when there is none.
  [[nodiscard]] Result<const module::IndexFormat*> index_format(std::string_view type);
  [[nodiscard]] const Options& options() const;
  // See Options::on_file.
  void reads_file(const std::string& path, Rereads rereads) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The value of a parameter such as virtual_alias_maps: tables separated by comma or space, asked in order; the first
// that finds the key answers; the first that fails ends the search with its Error.
class Maps {
 public:
  Maps() = default;
  // `parameter` names the parameter, for error messages.
  static Result<Maps> open(Tables& tables, std::string_view parameter, std::string_view value, Flags flags);
  [[nodiscard]] bool empty() const { return tables_.empty(); }
  [[nodiscard]] Result<Found> lookup(std::string_view key) const;
  // Only tables with fixed keys are asked: for partial keys.
  [[nodiscard]] Result<Found> lookup_partial(std::string_view key) const;
  // A host or domain: its name, then each parent with a dot in front (".example.com", ".com") by lookup_partial.
  [[nodiscard]] Result<Found> lookup_with_parents(std::string_view name) const;

 private:
  std::vector<std::shared_ptr<Table>> tables_;
};

// The search of an address table: user+ext@domain, user@domain, user+ext and user (when the domain is local to this
// machine as `is_local_domain` says), @domain. `extension`, when given, receives the unmatched "+ext" or nothing.
struct AddressSearch {
  mail::Delimiters delimiters = {};
  bool (*is_local_domain)(const void* context, std::string_view domain) = nullptr;
  const void* context = nullptr;
  bool with_at_domain = true;   // ask "@domain"
};
[[nodiscard]] Result<Found> find_address(const Maps& maps, std::string_view internal_address, const AddressSearch& search,
                                         std::string* unmatched_extension);

// The first of `key`'s domain and its parents that a table of fixed keys has: "a.b.c", then ".b.c" and ".c", or "b.c" and
// "c" with parents_match. For transport_maps and the like. Pattern tables are not asked: they see whole addresses only.
[[nodiscard]] Result<Found> find_domain(const Maps& maps, std::string_view domain, bool parents_match);

// A list of names, patterns, /files and type:tables with "!" exclusions, as mydestination, mynetworks or relay_domains.
// `string` compares names; `domain` also matches parents (".parent", or "parent" itself with parents_match); `address`
// takes "[v6]/len", "v4/len".
enum class ListKind { string, domain, address };
struct BinaryAddress;
class MatchList {
 public:
  MatchList() = default;
  // An item that cannot be used (a bad network, a table of unknown type) is no error here but at each match that
  // reaches it, as in Postfix: "mynetworks: bad mask length in \"192.0.2.0/99\"".
  static Result<MatchList> parse(Tables& tables, std::string_view parameter, std::string_view value, ListKind kind,
                                 bool parents_match);
  // For address lists `text` is the address without brackets, and `name` the host name, which list items may be too.
  [[nodiscard]] Result<bool> matches(std::string_view text) const;
  [[nodiscard]] Result<bool> matches(std::string_view name, std::string_view address) const;
  [[nodiscard]] bool empty() const { return items_.empty(); }

 private:
  friend class MatchListParser;
  struct Item;
  [[nodiscard]] Result<bool> item_matches(const Item& item, std::string_view name, std::string_view address,
                                          const BinaryAddress* binary) const;

  std::string parameter_;
  std::vector<std::shared_ptr<const Item>> items_;
  ListKind kind_ = ListKind::string;
  bool parents_match_ = false;
};

}  // namespace maps
