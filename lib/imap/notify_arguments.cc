#include "lib/imap/notify_arguments.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/base/ascii.h"

namespace imap {
namespace {

using Filter = NotifyGroup::Filter;

struct FilterRow { std::string_view name; Filter filter; };
constexpr std::array filters{FilterRow{"SELECTED", Filter::selected},     FilterRow{"SELECTED-DELAYED", Filter::selected_delayed},
                             FilterRow{"INBOXES", Filter::inboxes},       FilterRow{"PERSONAL", Filter::personal},
                             FilterRow{"SUBSCRIBED", Filter::subscribed}, FilterRow{"SUBTREE", Filter::subtree},
                             FilterRow{"MAILBOXES", Filter::mailboxes}};

struct EventRow { std::string_view name; bool NotifyEvents::*member; };
constexpr std::array events{EventRow{"MessageNew", &NotifyEvents::message_new},
                            EventRow{"MessageExpunge", &NotifyEvents::message_expunge},
                            EventRow{"FlagChange", &NotifyEvents::flag_change},
                            EventRow{"AnnotationChange", &NotifyEvents::annotation_change},
                            EventRow{"MailboxName", &NotifyEvents::mailbox_name},
                            EventRow{"SubscriptionChange", &NotifyEvents::subscription_change},
                            EventRow{"MailboxMetadataChange", &NotifyEvents::mailbox_metadata_change},
                            EventRow{"ServerMetadataChange", &NotifyEvents::server_metadata_change}};

base::Failure invalid() { return base::fail("Invalid arguments"); }

bool is_selected(Filter filter) { return filter == Filter::selected || filter == Filter::selected_delayed; }

Result<void> parse_events(Values values, NotifyGroup& group) {
  if (values.empty()) return invalid();
  while (const auto value = values.take()) {
    const auto row = std::ranges::find_if(events, [&](const EventRow& it) { return value->is(it.name); });
    if (row == events.end()) return invalid();
    group.events.*row->member = true;
    if (values.empty() || !values.front().is_list()) continue;
    // Items of FETCH, for new messages of the selected mailbox only.
    if (row->member != &NotifyEvents::message_new || !is_selected(group.filter)) return invalid();
    auto items = FetchItems::parse(values);
    if (!items) return base::fail("Invalid fetch-att list: " + items.error().message());
    group.events.fetch = *std::move(items);
  }
  const NotifyEvents& it = group.events;
  if (it.message_new != it.message_expunge) return base::fail("MessageNew and MessageExpunge must be together");
  if ((it.flag_change || it.annotation_change) && !it.message_new) return base::fail("FlagChange requires MessageNew and MessageExpunge");
  return {};
}

// One name, or a list of names. `left` counts down for all groups.
Result<void> parse_mailboxes(Values& values, std::size_t& left, NotifyGroup& group) {
  const auto add = [&](std::string_view name) {
    if (left == 0) return false;
    --left;
    group.mailboxes.emplace_back(name);
    return true;
  };
  const auto list = values.take_list();
  if (!list) {
    const auto name = values.take_astring();
    return name && add(*name) ? Result<void>() : invalid();
  }
  for (const Value value : *list) {
    const auto name = value.astring();
    if (!name) return invalid();
    if (!add(*name)) return base::fail("Too many mailboxes");
  }
  return group.mailboxes.empty() ? invalid() : Result<void>();
}

Result<NotifyGroup> parse_group(Values values, std::size_t& mailboxes_left) {
  NotifyGroup group;
  const auto name = values.take();
  const auto row = std::ranges::find_if(filters, [&](const FilterRow& it) { return name && name->is(it.name); });
  if (row == filters.end()) return invalid();
  group.filter = row->filter;
  if (group.filter == Filter::subtree || group.filter == Filter::mailboxes) TRY(parse_mailboxes(values, mailboxes_left, group));
  if (!values.take_word("NONE")) {
    const auto list = values.take_list();
    if (!list) return invalid();
    TRY(parse_events(*list, group));
  }
  if (!values.empty()) return invalid();
  return group;
}

}  // namespace

Result<NotifyArguments> NotifyArguments::parse(Values values) {
  NotifyArguments arguments;
  if (values.take_word("NONE")) {
    if (!values.empty()) return invalid();
    arguments.is_none = true;
    return arguments;
  }
  if (!values.take_word("SET")) return invalid();
  arguments.wants_status = values.take_word("STATUS");
  std::size_t mailboxes_left = notify_mailboxes_limit;
  while (!values.empty()) {
    const auto list = values.take_list();
    if (!list) return invalid();
    if (arguments.groups.size() == notify_groups_limit) return base::fail("Too many event groups");
    NotifyGroup group = TRY(parse_group(*list, mailboxes_left));
    const auto has_selected = std::ranges::any_of(arguments.groups, [](const NotifyGroup& it) { return is_selected(it.filter); });
    if (has_selected && is_selected(group.filter)) return base::fail("Duplicate selected filter");
    arguments.groups.push_back(std::move(group));
  }
  return arguments;
}

}  // namespace imap
