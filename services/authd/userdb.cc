#include "services/authd/userdb.h"

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/maps/table.h"
#include "lib/process/account.h"
#include "services/authd/passwd_source.h"
#include "services/authd/users.h"

namespace authd {
namespace {

constexpr unsigned long id_limit = 0xffff'fffe;  // the highest is "no change" to chown(2)

// A number, or a name that `find` knows. Blocks, if it is a name. `what`: "uid".
template <class Find>
Result<id_t> id_of(std::string_view what, const std::string& text, const Find& find) {
  if (const auto number = ascii::parse_number(text, id_limit)) return static_cast<id_t>(*number);
  const Result<id_t> found = find(text);
  if (!found) return base::fail(fmt::format("{}={}: {}", what, ascii::printable(text), found.error().message()));
  return *found;
}

Result<id_t> uid_named(const std::string& name) { return TRY(process::find_account(name)).uid; }
Result<id_t> gid_named(const std::string& name) { return TRY(process::find_group(name)); }

bool may_be_in_path(std::string_view name) { return !name.empty() && name != "." && name != ".." && !name.contains('/'); }

// The setting's text with the user's name in it. The error: it would lead elsewhere.
Result<std::string> with_name(const std::string& text, std::string_view user) {
  if (!text.contains('%')) return text;
  const std::string_view name = user.substr(0, user.rfind('@'));
  const std::string_view domain = user.contains('@') ? user.substr(user.rfind('@') + 1) : std::string_view();
  for (const std::string_view part : {user, name, domain}) {
    if (!part.empty() && !may_be_in_path(part)) return base::fail("the name of the user cannot be a part of a path");
  }
  if (domain.empty() && (text.contains("%d") || text.contains("%Ld"))) return base::fail("the user has no domain");
  const auto format = TRY(NameFormat::parse(text, ""));
  auto out = format.apply(user);
  if (!out) return base::fail("the name of the user cannot be a part of a path");
  return std::move(*out);
}

class PasswdSource final : public UserSource {
 public:
  Result<std::optional<Mailbox>> find(const std::string& user) override {
    return event::blocking([&]() -> Result<std::optional<Mailbox>> {
      const auto account = process::find_account(user);
      if (!account && account.error().code() != 0) return base::Failure(account.error());
      if (!account) return std::nullopt;
      return TRY(mailbox_of({.uid = std::to_string(account->uid), .gid = std::to_string(account->gid), .home = account->home, .mail = {}}, user));
    });
  }
};

class FixedSource final : public UserSource {
 public:
  explicit FixedSource(MailboxFields fields) : fields_(std::move(fields)) {}
  Result<std::optional<Mailbox>> find(const std::string& user) override {
    return event::blocking([&]() -> Result<std::optional<Mailbox>> { return TRY(mailbox_of(fields_, user)); });
  }

 private:
  MailboxFields fields_;
};

class PasswdFileSource final : public UserSource {
 public:
  explicit PasswdFileSource(std::string path) : file_(std::move(path)) {}
  [[nodiscard]] Result<void> refresh() { return file_.refresh(); }
  Result<std::optional<Mailbox>> find(const std::string& user) override {
    TRY(file_.refresh());
    const PasswdEntry* const entry = file_.find(user);
    if (entry == nullptr) return std::nullopt;
    MailboxFields fields{.uid = entry->uid, .gid = entry->gid, .home = entry->home, .mail = {}};
    TRY(read_fields(entry->extra, "userdb_", true, fields));
    return event::blocking([&]() -> Result<std::optional<Mailbox>> { return TRY(mailbox_of(fields, user)); });
  }

 private:
  PasswdFileOnDisk file_;
};

class MapSource final : public UserSource {
 public:
  MapSource(std::unique_ptr<maps::Tables> tables, std::shared_ptr<maps::Table> table) : tables_(std::move(tables)), table_(std::move(table)) {}
  Result<std::optional<Mailbox>> find(const std::string& user) override {
    const maps::Found found = TRY(table_->lookup(user));
    if (!found) return std::nullopt;
    MailboxFields fields;
    TRY(read_fields(*found, "", true, fields));
    return event::blocking([&]() -> Result<std::optional<Mailbox>> { return TRY(mailbox_of(fields, user)); });
  }

 private:
  std::unique_ptr<maps::Tables> tables_;   // outlives what was opened in it
  std::shared_ptr<maps::Table> table_;
};

Result<std::unique_ptr<UserSource>> open_source(server::Startup& startup, std::string_view text) {
  constexpr std::string_view file = "passwd-file:", fixed = "static:", map = "map:";
  if (text == "passwd") return std::make_unique<PasswdSource>();
  if (text.starts_with(file)) {
    auto source = std::make_unique<PasswdFileSource>(std::string(text.substr(file.size())));
    TRY(source->refresh());
    return source;
  }
  if (text.starts_with(fixed)) {
    MailboxFields fields;
    TRY(read_fields(text.substr(fixed.size()), "", false, fields));
    // What is wrong with it is wrong for everybody.
    TRY(mailbox_of(fields, "user@domain"));
    return std::make_unique<FixedSource>(std::move(fields));
  }
  if (text.starts_with(map)) {
    auto tables = std::make_unique<maps::Tables>(startup.table_options());
    auto table = TRY(tables->open(std::string(text.substr(map.size())), maps::Flags::no_substitution | maps::Flags::no_anybody));
    return std::make_unique<MapSource>(std::move(tables), std::move(table));
  }
  return base::fail(fmt::format("\"{}\" is no source: passwd, passwd-file:PATH, static:uid=... gid=... home=... and map:TYPE:TABLE are", text));
}

// "static:" goes on with the words behind it that are "name=value".
std::vector<std::string> sources_of(std::string_view value) {
  std::vector<std::string> out;
  for (const std::string_view word : ascii::split(value, ", \t\r\n")) {
    const bool goes_on = !out.empty() && out.back().starts_with("static:") && word.find('=') < word.find(':');
    if (goes_on) out.back() += " " + std::string(word);
    else out.emplace_back(word);
  }
  return out;
}

}  // namespace

Result<void> read_fields(std::string_view text, std::string_view prefix, bool skips_others, MailboxFields& into) {
  for (std::string_view word : ascii::split(text, " \t")) {
    const std::string_view whole = word;
    const bool has_prefix = word.starts_with(prefix);
    if (has_prefix) word.remove_prefix(prefix.size());
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    std::string* const field = !has_prefix || equals == std::string_view::npos ? nullptr
                               : name == "uid"                                 ? &into.uid
                               : name == "gid"                                 ? &into.gid
                               : name == "home"                                ? &into.home
                               : name == "mail"                                ? &into.mail
                               : name == "quota_rule"                          ? &into.quota_rule
                                                                               : nullptr;
    if (field != nullptr) *field = word.substr(equals + 1);
    else if (!skips_others) return base::fail(fmt::format("\"{}\" is none of uid=, gid=, home=, mail= and quota_rule=", whole));
  }
  return {};
}

Result<Mailbox> mailbox_of(const MailboxFields& fields, std::string_view user) {
  if (fields.uid.empty() || fields.gid.empty()) return base::fail("no uid and gid");
  Mailbox out{.uid = TRY(id_of("uid", fields.uid, &uid_named)), .gid = TRY(id_of("gid", fields.gid, &gid_named)), .home = TRY(with_name(fields.home, user)), .mail = TRY(with_name(fields.mail, user)),
              .quota_rule = fields.quota_rule};
  // Nobody's mail is read as root, whatever a table says.
  if (out.uid == 0 || out.gid == 0) return base::fail("uid or gid is 0, root's, for whom no mailbox is opened");
  if (!out.home.empty() && !out.home.starts_with('/')) return base::fail("home is no absolute path");
  return out;
}

Result<Userdb> Userdb::open(server::Startup& startup, std::string_view value) {
  std::vector<std::unique_ptr<UserSource>> sources;
  for (const std::string& text : sources_of(value)) {
    auto source = open_source(startup, text);
    if (!source) return base::Failure(std::move(source).error().within("auth_userdb"));
    sources.push_back(std::move(*source));
  }
  if (sources.empty()) return base::fail("auth_userdb names no source of users");
  return Userdb(std::move(sources));
}

Result<std::optional<Mailbox>> Userdb::find(const std::string& user) {
  for (const auto& source : sources_) {
    auto found = TRY(source->find(user));
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace authd
