// Aliases: the lookup, owner- aliases, and the expansion of a value.

#include <utility>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "local/expansion.h"

namespace local {
namespace {

constexpr std::string_view owner_prefix = "owner-";

bool is_ancestor(const Step& step, const std::string& alias) {
  for (const Ancestor* each = step.ancestors.get(); each != nullptr; each = each->parent.get()) {
    if (each->alias == alias) return true;
  }
  return false;
}

}  // namespace

Result<maps::Found> Expansion::look_up_alias(const std::string& name, const AliasTable** table) const {
  for (const AliasTable& each : agent_.alias_tables) {
    auto found = each.maps.lookup(name);
    if (!found) {
      maillog::warning("{}: lookup of '{}' failed: {}", each.name, name, found.error().message());
      return found;
    }
    if (*found) {
      *table = &each;
      return found;
    }
  }
  return maps::Found();
}

bool Expansion::expand_alias(const Step& step, const Name& name) {
  std::vector<std::string> keys{name.local};
  if (name.user != name.local) keys.push_back(name.user);
  for (const std::string& key : keys) {
    // An alias that lists its own name means the user of that name.
    if (key == step.alias && step.origin != Origin::forward) continue;
    const AliasTable* table = nullptr;
    const auto value = look_up_alias(key, &table);
    if (!value) {
      deferred(step, {4, 3, 0}, "alias database unavailable");
      return true;
    }
    if (!*value || ascii::trim(**value).empty()) continue;
    const bool is_new = duplicates_.is_first("alias", key);
    const bool is_loop = is_ancestor(step, key);
    // An alias that two others name is expanded once. One that names itself by way of others is followed down to the
    // nesting limit, but only once: else the branches on the way would be followed again and again.
    if (!is_new && (!is_loop || loop_reported_)) return true;
    expand_value(step, name, key, *table, **value);
    return true;
  }
  return false;
}

// Finds owner-ALIAS, and makes it the sender. False when its lookup failed, which has been reported.
bool Expansion::set_owner(Step& step, const std::string& alias) {
  if (!agent_.params.owner_request_special || alias.starts_with(owner_prefix)) return true;
  const std::string owner = std::string(owner_prefix) + alias;
  const AliasTable* table = nullptr;
  const auto value = look_up_alias(owner, &table);
  if (!value) {
    deferred(step, {4, 3, 0}, "alias database unavailable");
    return false;
  }
  if (!*value) {
    if (agent_.params.reset_owner_alias) step.requeue = false;
    return true;
  }
  // A notice of failure stays one: with an owner for its sender, its own failure would be told to the owner, and go round for
  // ever where the owner is the list again.
  if (step.sender.empty()) {
    step.requeue = true;
    return true;
  }
  std::string sender = owner;
  if (agent_.params.expand_owner_alias) {
    const auto items = mailbox::split_destinations(**value);
    if (!items.empty()) sender = items.front();
  }
  const auto rewritten = agent_.addresses->rewrite("local", mail::to_external(sender));
  if (!rewritten) {
    maillog::warning("{}: {}", request_.queue_id, rewritten.error().message());
    deferred(step, {4, 3, 0}, "address resolver failure");
    return false;
  }
  step.sender = mail::to_internal(*rewritten);
  step.owner = step.sender;
  step.requeue = true;
  step.recipient.original.clear();
  step.recipient.dsn_original.clear();
  return true;
}

void Expansion::expand_value(const Step& step, const Name& name, const std::string& alias, const AliasTable& table,
                             const std::string& value) {
  auto items = mailbox::split_destinations(value);
  if (items.empty()) {
    maillog::warning("alias {}: no recipients in \"{}\"", alias, value);
    return bounced(step, {5, 3, 5}, "mail system configuration error");
  }
  Step child = step;
  if (!set_owner(child, alias)) return;
  const bool has_new_owner = child.owner != step.owner;
  // The report is about the recipient as it was; what the members inherit of NOTIFY is the same.
  Step reported = step;
  expanded(reported, has_new_owner);
  child.recipient.notify = reported.recipient.notify;

  child.origin = Origin::alias;
  child.alias = alias;
  child.ancestors = std::make_shared<const Ancestor>(Ancestor{alias, step.ancestors});
  child.forward_user.clear();
  child.rights = table_rights(table.name, agent_.config_directory, agent_.default_rights);
  // Commands and files of an alias see its name as the user.
  child.rights.user = name.user;
  const bool is_extended = alias != name.local;
  child.unmatched_extension = is_extended && agent_.propagate.has("alias") ? name.delimiter + name.extension : "";
  if (!agent_.params.frozen_delivered_to) child.delivered_to = step.recipient.address;
  deliver_later(std::move(child), std::move(items));
}

}  // namespace local
