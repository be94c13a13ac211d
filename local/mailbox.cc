// A user's mailbox: by a command, in his home directory, or in the spool.

#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/log/log.h"
#include "local/biff.h"
#include "local/expansion.h"

namespace local {
namespace {

std::string join(std::string_view directory, std::string_view name) {
  return directory.ends_with('/') ? std::string(directory) + std::string(name) : fmt::format("{}/{}", directory, name);
}

}  // namespace

mailbox::MboxTask Expansion::mbox_task(const Step& step, const std::string& path, const mailbox::Identity& owner) const {
  mailbox::MboxTask task;
  task.message = task_message(step, "file");
  task.path = path;
  task.owner_only = agent_.params.strict_mailbox_ownership;
  // Where we are not root, one uid stands for all.
  task.owner = ::geteuid() == 0 ? owner.uid : ::geteuid();
  task.group = ::geteuid() == 0 ? owner.gid : ::getegid();
  task.lock_fcntl = agent_.locks.fcntl;
  task.lock_flock = agent_.locks.flock;
  task.lock_dotlock = agent_.locks.dotlock;
  task.lock_attempts = agent_.patience.attempts;
  task.lock_delay = agent_.patience.delay;
  task.stale_lock_time = agent_.patience.stale;
  task.size_limit = agent_.params.mailbox_size_limit;
  task.first_try = request_.first_try;
  return task;
}

void Expansion::run_mbox(const Step& step, mailbox::Identity who, mailbox::MboxTask task, std::string_view what,
                         const std::string& failure, std::string_view biff_user) {
  // Our own deliveries to a file take turns here, not at its lock, which would have to be tried again and again.
  const auto limit = agent_.patience.total() * 2 + write_patience;
  const auto turn = agent_.workers->mailbox_turns().take(task.path, 1, base::after(limit));
  if (!turn) return deferred(step, {4, 2, 0}, fmt::format("{}{}", failure, turn.error().message()));
  const auto answer = agent_.workers->ask(who, task, limit);
  conclude(step, answer, std::string(what), failure);
  const bool is_there = answer && mail::Dsn::parse(answer->dsn).value_or(mail::Dsn(4, 3, 0)).is_success();
  if (agent_.params.biff && is_there && !biff_user.empty()) tell_comsat(biff_user, answer->begins);
}

Result<mailbox::MaildirTask> Expansion::maildir_task(const Step& step, const std::string& path, std::string_view user) const {
  mailbox::MaildirTask task;
  if (!user.empty()) task.quota = TRY(agent_.quotas.of(user));
  task.quota_is_temporary = agent_.params.quota_full_tempfail;
  task.names_sizes = agent_.params.maildir_name_sizes;
  task.message = task_message(step, "file");
  task.path = path.substr(0, path.find_last_not_of('/') + 1);
  task.host = agent_.params.myhostname;
  task.size_limit = agent_.params.mailbox_size_limit;
  return task;
}

void Expansion::run_maildir(const Step& step, mailbox::Identity who, const std::string& path, std::string_view user) {
  const auto task = maildir_task(step, path, user);
  if (!task) return no_quota_known(step, task.error());
  conclude_maildir(step, agent_.workers->ask(who, *task, write_patience));
}

void Expansion::no_quota_known(const Step& step, const base::Error& error) {
  maillog::warning("{}: {}", request_.queue_id, error.message());
  deferred(step, {4, 3, 5}, "mail system configuration error");
}

void Expansion::conclude_maildir(const Step& step, const Result<mailbox::TaskOutcome>& answer) {
  conclude(step, answer, "delivered to maildir", "maildir delivery failed: ");
}

std::string Expansion::mailbox_path(const process::Account& account) const {
  const std::string& home_mailbox = agent_.params.home_mailbox;
  return home_mailbox.empty() ? join(agent_.params.mail_spool_directory, account.name) : join(account.home, home_mailbox);
}

bool Expansion::is_maildir_user(const process::Account& account) const {
  const Params& params = agent_.params;
  const std::string& place = params.home_mailbox.empty() ? params.mail_spool_directory : params.home_mailbox;
  return place.ends_with('/') && !request_.verify_only && agent_.mailbox_passing.is_empty() && params.mailbox_command.empty() &&
         agent_.mailbox_command_maps.empty() && !duplicates_.is_known("mailbox", account.name);
}

void Expansion::deliver_to_mailbox(const Step& step, const Name& name, const process::Account& account) {
  if (!duplicates_.is_first("mailbox", account.name)) return;

  std::string command = agent_.params.mailbox_command;
  if (!agent_.mailbox_command_maps.empty()) {
    const auto found = agent_.mailbox_command_maps.lookup(account.name);
    if (!found) {
      maillog::warning("{}: {}", request_.queue_id, found.error().message());
      return deferred(step, {4, 3, 0}, "mailbox_command_maps lookup failure");
    }
    if (*found) command = **found;
  }
  const std::string& home_mailbox = agent_.params.home_mailbox;
  const mailbox::Identity who{account.uid, account.gid};
  if (!command.empty()) {
    Rights rights = account.uid == 0 ? agent_.default_rights : rights_of(account);
    rights.user = name.user;
    rights.home = account.home;
    rights.shell = account.shell;
    return run_command(step, rights, command);
  }
  if (home_mailbox.empty()) return deliver_to_spool(step, account);
  const std::string path = mailbox_path(account);
  if (request_.verify_only) return sent(step, path.ends_with('/') ? "delivers to maildir" : "delivers to mailbox");
  if (path.ends_with('/')) return run_maildir(step, who, path, account.name);
  run_mbox(step, who, mbox_task(step, path, who), "delivered to mailbox",
           fmt::format("cannot update mailbox {} for user {}. ", path, account.name), account.name);
}

// The spool directory decides with whose rights: where everybody may write, those of the user; where a group may, the
// user with that group, which may make the dotlock; else the directory's own, since nobody else can make files there.
void Expansion::deliver_to_spool(const Step& step, const process::Account& account) {
  const std::string& directory = agent_.params.mail_spool_directory;
  const std::string path = mailbox_path(account);
  if (request_.verify_only) return sent(step, directory.ends_with('/') ? "delivers to maildir" : "delivers to mailbox");
  const mailbox::Identity user{account.uid, account.gid};
  if (directory.ends_with('/')) return run_maildir(step, user, path, account.name);
  const std::string failure = fmt::format("cannot update mailbox {} for user {}. ", path, account.name);

  struct stat status {};
  const bool exists = event::blocking([&] { return ::stat(directory.c_str(), &status) == 0; });
  mailbox::Identity who = user;
  if (exists && (status.st_mode & S_IWOTH) == 0) {
    who = (status.st_mode & S_IWGRP) != 0 ? mailbox::Identity{user.uid, status.st_gid} : mailbox::Identity{status.st_uid, status.st_gid};
  }
  run_mbox(step, who, mbox_task(step, path, user), "delivered to mailbox", failure, account.name);
}

}  // namespace local
