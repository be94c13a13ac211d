#include "pipe/attributes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/c_escapes.h"
#include "lib/process/account.h"

namespace pipe_agent {
namespace {

constexpr std::string_view argv_name = "argv=";

struct FlagName {
  char letter;
  bool Flags::*member;
};
constexpr std::array flag_names = {
    FlagName{'B', &Flags::empty_line_at_end}, FlagName{'D', &Flags::delivered_to},   FlagName{'F', &Flags::from_line},
    FlagName{'O', &Flags::original_to},       FlagName{'R', &Flags::return_path},    FlagName{'X', &Flags::is_final},
    FlagName{'h', &Flags::folds_domain},      FlagName{'q', &Flags::quotes_address}, FlagName{'u', &Flags::folds_local},
    FlagName{'.', &Flags::doubles_dots},      FlagName{'>', &Flags::quotes_from},
};

Result<Flags> parse_flags(std::string_view letters) {
  Flags flags;
  for (const char letter : letters) {
    const FlagName* found = nullptr;
    for (const FlagName& name : flag_names) {
      if (name.letter == letter) found = &name;
    }
    if (found == nullptr) return base::fail(fmt::format("unknown flag: {} (ignored)", letter));
    flags.*(found->member) = true;
  }
  return flags;
}

std::optional<std::string_view> value_of(std::string_view word, std::string_view name) {
  if (!word.starts_with(name)) return std::nullopt;
  return word.substr(name.size());
}

void set_user(Attributes& attributes, std::string_view value) {
  const std::size_t colon = value.find(':');
  attributes.user = value.substr(0, colon);
  attributes.group = colon == std::string_view::npos ? "" : value.substr(colon + 1);
}

// One word that is not argv=.
Result<void> parse_word(Attributes& attributes, std::string_view word) {
  if (const auto user = value_of(word, "user=")) {
    set_user(attributes, *user);
  } else if (const auto flags = value_of(word, "flags=")) {
    attributes.flags = TRY(parse_flags(*flags));
  } else if (const auto chroot = value_of(word, "chroot=")) {
    attributes.chroot = *chroot;
  } else if (const auto directory = value_of(word, "directory=")) {
    attributes.directory = *directory;
  } else if (const auto line_end = value_of(word, "eol=")) {
    attributes.line_end = base::unescape_c(*line_end);
  } else if (const auto sender = value_of(word, "null_sender=")) {
    attributes.null_sender = *sender;
  } else if (const auto size = value_of(word, "size=")) {
    const auto number = ascii::parse_number(*size, std::numeric_limits<long>::max());
    if (!number) return base::fail(fmt::format("get_service_attr: bad size= value: {}", *size));
    attributes.size_limit = static_cast<long>(*number);
  } else {
    return base::fail(fmt::format("unknown attribute name: {}", word));
  }
  return {};
}

// argv= takes this word's rest and all words that follow.
std::vector<std::string> parse_arguments(std::span<const std::string> words) {
  std::vector<std::string> arguments(words.begin(), words.end());
  arguments.front().erase(0, argv_name.size());
  return arguments;
}

Result<gid_t> group_of(const Attributes& attributes, const process::Account& user) {
  if (attributes.group.empty()) return user.gid;
  return process::find_group(attributes.group);
}

}  // namespace

Result<Attributes> parse_attributes(std::span<const std::string> words) {
  Attributes attributes;
  for (; !words.empty() && !words.front().starts_with(argv_name); words = words.subspan(1)) {
    TRY(parse_word(attributes, words.front()));
  }
  if (attributes.user.empty()) return base::fail("missing user= command-line attribute");
  if (words.empty()) return base::fail("missing argv= command-line attribute");
  attributes.arguments = parse_arguments(words);
  return attributes;
}

Result<Attributes> parse_spawn_attributes(std::span<const std::string> words) {
  Attributes attributes;
  for (; !words.empty() && !words.front().starts_with(argv_name); words = words.subspan(1)) {
    const auto user = value_of(words.front(), "user=");
    if (!user) return base::fail(fmt::format("unknown attribute name: {}", words.front()));
    set_user(attributes, *user);
  }
  if (attributes.user.empty()) return base::fail("missing user= attribute");
  if (words.empty()) return base::fail("missing argv= attribute");
  attributes.arguments = parse_arguments(words);
  return attributes;
}

Result<mailbox::Identity> find_identity(const Attributes& attributes, const OwnAccounts& own) {
  const auto user = process::find_account(attributes.user);
  if (!user) return base::fail(fmt::format("get_service_attr: unknown username: {}", attributes.user));
  const auto group = group_of(attributes, *user);
  if (!group) return base::fail(fmt::format("get_service_attr: unknown group: {}", attributes.group));
  const auto owner = TRY(process::find_account(own.mail_owner));
  const gid_t setgid_group = TRY(process::find_group(own.setgid_group));
  const auto refused = [](const std::string& why) { return base::fail("user= command-line attribute specifies " + why); };
  if (user->uid == 0) return refused("root privileges");
  if (user->uid == owner.uid) return refused(fmt::format("mail system owner {}", own.mail_owner));
  if (*group == 0) return refused("privileged group id 0");
  if (*group == owner.gid) return refused(fmt::format("mail system owner {} group id {}", own.mail_owner, owner.gid));
  if (*group == setgid_group) return refused(fmt::format("mail system {} group id {}", own.setgid_group, setgid_group));
  return mailbox::Identity{user->uid, *group};
}

Result<mailbox::Identity> find_spawn_identity(const Attributes& attributes, const std::string& mail_owner) {
  const auto user = process::find_account(attributes.user);
  if (!user) return base::fail(fmt::format("unknown user name: {}", attributes.user));
  const auto group = group_of(attributes, *user);
  if (!group) return base::fail(fmt::format("unknown group name: {}", attributes.group));
  const auto owner = TRY(process::find_account(mail_owner));
  if (user->uid == 0) return base::fail("request to deliver as root");
  if (user->uid == owner.uid) return base::fail("request to deliver as mail system owner");
  if (*group == 0) return base::fail("request to use privileged group id 0");
  if (*group == owner.gid) return base::fail(fmt::format("request to use mail system owner group id {}", owner.gid));
  return mailbox::Identity{user->uid, *group};
}

}  // namespace pipe_agent
