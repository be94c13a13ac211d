// .forward and :include: files: read by a worker with the rights of their user, expanded here.

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/log/log.h"
#include "local/expansion.h"

namespace local {
namespace {

constexpr std::chrono::seconds read_patience{60};

void log_all(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) maillog::warning("{}", warning);
}

}  // namespace

bool Expansion::expand_forward(const Step& step, const Name& name, const process::Account& account) {
  const Macros values = macros(step, name, &account);
  mailbox::ForwardTask task;
  task.user = account.uid;
  if (agent_.params.require_home_directory) task.home = account.home;
  // Paths with an empty extension would be names like ".forward+"; with the extension they differ, which tells what
  // the extension has been used for.
  std::vector<bool> uses_extension;
  for (const std::string_view item : ascii::split(agent_.params.forward_path, ", \t\r\n")) {
    const auto path = expand(item, values, agent_.params.forward_expansion_filter);
    if (!path) {
      maillog::warning("forward_path: {}", path.error().message());
      deferred(step, {4, 3, 5}, "mail system configuration error");
      return true;
    }
    if (!path->starts_with('/')) continue;
    // "$home/.forward${recipient_delimiter}${extension}" is not for addresses without an extension.
    if (name.delimiter.empty() && item.contains("extension") && item.contains("recipient_delimiter")) continue;
    task.paths.push_back(*path);
    uses_extension.push_back(item.contains("extension") && !name.extension.empty());
  }
  if (task.paths.empty() && task.home.empty()) return false;
  if (is_maildir_user(account)) {
    auto delivery = maildir_task(step, mailbox_path(account), account.name);
    if (!delivery) {
      no_quota_known(step, delivery.error());
      return true;
    }
    task.otherwise.push_back(std::move(*delivery));
  }

  const auto patience = task.otherwise.empty() ? read_patience : read_patience + write_patience;
  const auto answer = agent_.workers->ask({account.uid, account.gid}, task, patience);
  if (!answer || !answer->failure.empty()) {
    if (!answer) maillog::warning("{}: {}", request_.queue_id, answer.error().message());
    deferred(step, {4, 3, 0}, answer ? answer->failure : "delivery worker failure");
    return true;
  }
  log_all(answer->warnings);
  if (!answer->outcomes.empty()) {
    duplicates_.note("mailbox", account.name);
    conclude_maildir(step, answer->outcomes.front());
    return true;
  }
  if (answer->destinations.empty()) return false;

  if (!duplicates_.is_first("forward", account.name)) return true;
  Step child = step;
  expanded(child, false);
  child.origin = Origin::forward;
  child.alias.clear();
  child.forward_user = account.name;
  child.rights = account.uid == 0 ? agent_.default_rights : rights_of(account);
  child.rights.named_by_root = account.uid == 0;
  child.rights.user = account.name;
  child.rights.home = account.home;
  child.rights.shell = account.shell;
  child.requeue = true;
  bool is_matched = false;
  for (std::size_t i = 0; i < task.paths.size(); ++i) is_matched = is_matched || (task.paths[i] == answer->path && uses_extension[i]);
  child.unmatched_extension = !is_matched && agent_.propagate.has("forward") ? name.delimiter + name.extension : "";
  if (!agent_.params.frozen_delivered_to) child.delivered_to = step.recipient.address;
  deliver_later(std::move(child), answer->destinations);
  return true;
}

void Expansion::include(const Step& parent, const std::string& path) {
  if (parent.level >= nesting_limit) return bounced(parent, {5, 4, 6}, "recipient nesting limit exceeded");
  if (!path.starts_with('/')) {
    maillog::warning(":include:{} uses a relative path", path);
    return bounced(parent, {5, 3, 5}, "mail system configuration error");
  }
  if (!duplicates_.is_first("include", path)) return;
  mailbox::IncludeTask task;
  task.path = path;
  // A list that root keeps for himself, in an alias of root's, is read as root.
  const bool as_root = parent.rights.named_by_root && ::geteuid() == 0 && event::blocking([&] { return is_of_root_alone(path); });
  const auto answer = agent_.workers->ask(as_root ? mailbox::Identity{0, 0} : parent.rights.who, task, read_patience);
  if (!answer || !answer->failure.empty()) {
    maillog::warning("{}: {}", request_.queue_id, answer ? answer->failure : answer.error().message());
    return deferred(parent, {4, 3, 0}, ":include: file access failed");
  }
  log_all(answer->warnings);
  if (!answer->found) return bounced(parent, {5, 3, 5}, "mail system configuration error");

  Step child = parent;
  child.origin = Origin::include;
  child.requeue = true;
  ++child.level;
  // The list's owner answers for what stands in it; root's is run with the rights of who named it.
  if (answer->owner != 0) {
    child.rights.who = {static_cast<uid_t>(answer->owner), static_cast<gid_t>(answer->group)};
    child.rights.named_by_root = false;
  }
  if (!agent_.propagate.has("include")) {
    child.unmatched_extension.clear();
  } else if (child.unmatched_extension.empty()) {
    const Name name = parse(parent);
    if (!name.delimiter.empty()) child.unmatched_extension = name.delimiter + name.extension;
  }
  deliver_later(std::move(child), answer->destinations);
}

}  // namespace local
