#include "lib/store/courier_export.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mail/modified_utf7.h"
#include "lib/store/courier.h"
#include "lib/store/folder.h"
#include "lib/store/names.h"

namespace store {
namespace {

constexpr std::string_view uidl_prefix = "UID";

std::string uid_file(Mailbox& mailbox) {
  std::string text = fmt::format("1 {} {}\n", mailbox.uid_validity(), mailbox.uid_next());
  for (const Entry& entry : mailbox.entries()) text += fmt::format("{} {}\n", entry.uid, mailbox.base_name(entry.uid));
  return text;
}

std::string uidl_of(Mailbox& mailbox, Uid uid, const std::string& base, const UidlFormat& format) {
  std::string kept = mailbox.pop3_uidl(uid);
  return kept.empty() ? format.apply({uid, mailbox.uid_validity(), base}) : kept;
}

// The list of an INBOX. Its own validity is of the numbers that Courier will give next: above all that are given.
Result<std::string> pop3_file(Mailbox& mailbox, const UidlFormat& format, std::size_t& without) {
  std::string lines;
  std::uint64_t last = 0;
  for (const Entry& entry : mailbox.entries()) {
    const std::string base = mailbox.base_name(entry.uid);
    const auto uidl = as_courier_uidl(uidl_of(mailbox, entry.uid, base, format), base);
    if (!uidl) {
      ++without;
      continue;
    }
    last = std::max(last, uidl->number);
    const Facts facts = TRY(mailbox.facts(entry.uid));
    lines += fmt::format("{}:2, {} {}:{}:0\n", base, facts.size, uidl->number, uidl->validity);
  }
  return fmt::format("/3 {} {}\n", last + 1, mailbox.uid_validity()) + lines;
}

// Only keywords that some message has: the others are names of this server's.
std::string keyword_list(Mailbox& mailbox) {
  std::uint64_t used = 0;
  for (const Entry& entry : mailbox.entries()) used |= entry.flags.keywords;
  std::map<std::size_t, std::size_t> lines;  // by bit
  std::string text;
  const std::vector<std::string>& names = mailbox.keywords();
  for (std::size_t bit = 0; bit < names.size(); ++bit) {
    if ((used >> bit & 1) == 0 || names[bit].empty()) continue;
    lines.emplace(bit, lines.size());
    text += names[bit] + '\n';
  }
  text += '\n';
  for (const Entry& entry : mailbox.entries()) {
    std::string numbers;
    for (const auto& [bit, line] : lines) {
      if ((entry.flags.keywords >> bit & 1) != 0) numbers += fmt::format("{}{}", numbers.empty() ? "" : " ", line);
    }
    if (!numbers.empty()) text += fmt::format("{}:{}\n", mailbox.base_name(entry.uid), numbers);
  }
  return text;
}

// The list first: what messages have in files of their own counts more, and is older.
Result<void> replace_keywords(const Fd& directory, const std::string& list) {
  if (::mkdirat(directory.get(), courier_keyword_directory, folder_mode) != 0 && errno != EEXIST) return base::fail_system("make courierimapkeywords");
  const Fd keywords(::openat(directory.get(), courier_keyword_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!keywords) return base::fail_system("open courierimapkeywords");
  TRY(replace_in(keywords, courier_keyword_list, list, Durable::yes));
  for (const std::string& file : TRY(courier_keyword_files(keywords))) {
    if (::unlinkat(keywords.get(), file.c_str(), 0) != 0 && errno != ENOENT) return base::fail_system("remove courierimapkeywords/" + file);
  }
  if (::fsync(keywords.get()) != 0 || ::fsync(directory.get()) != 0) return base::fail_system("fsync courierimapkeywords");
  return {};
}

}  // namespace

std::optional<CourierUidl> as_courier_uidl(std::string_view uidl, std::string_view base) {
  if (uidl == base) return CourierUidl{};
  if (!uidl.starts_with(uidl_prefix)) return std::nullopt;
  uidl.remove_prefix(uidl_prefix.size());
  const std::size_t dash = std::min(uidl.find('-'), uidl.size());
  const auto number = ascii::parse_number(uidl.substr(0, dash)), validity = dash == uidl.size() ? 0 : ascii::parse_number(uidl.substr(dash + 1));
  // Numbers as Courier writes them: it would tell another text for "UID05".
  if (!number || *number == 0 || !validity || (dash != uidl.size() && *validity == 0)) return std::nullopt;
  const CourierUidl found{static_cast<std::uint64_t>(*number), static_cast<std::uint64_t>(*validity)};
  const std::string written = found.validity == 0 ? fmt::format("{}", found.number) : fmt::format("{}-{}", found.number, found.validity);
  return written == uidl ? std::optional(found) : std::nullopt;
}

Result<CourierExport> export_to_courier(Account& account, const std::string& name, const UidlFormat& format) {
  const auto mailbox = TRY(account.open(name, Access::read_write));
  const Fd directory = TRY(open_directory(places_of(name, account.location()).mail));
  CourierExport done{.messages = mailbox->entries().size()};
  TRY(replace_in(directory, courier_uid_file, uid_file(*mailbox), Durable::yes));
  TRY(replace_keywords(directory, keyword_list(*mailbox)));
  if (name != inbox_name) return done;
  const std::string sizes = TRY(pop3_file(*mailbox, format, done.without_uidl));
  TRY(replace_in(directory, courier_pop3_file, sizes, Durable::yes));
  return done;
}

Result<void> export_subscriptions_to_courier(Account& account) {
  const Location& location = account.location();
  std::string text;
  for (std::string name : TRY(account.subscriptions())) {
    std::ranges::replace(name, location.separator(), '.');
    if (name != inbox_name) name.insert(0, "INBOX.");
    text += (location.utf8_names ? name : mail::encode_modified_utf7(name)) + '\n';
  }
  const Fd root = TRY(open_directory({location.root, {}}));
  return replace_in(root, courier_subscriptions_file, text, Durable::yes);
}

}  // namespace store
