#include "imapd/notifier.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "imapd/fetch_writer.h"
#include "imapd/session.h"
#include "lib/base/ascii.h"
#include "lib/event/loop.h"
#include "lib/imap/mailbox_arguments.h"
#include "lib/log/log.h"
#include "lib/store/names.h"

namespace imapd {
namespace {

using Filter = imap::NotifyGroup::Filter;
using Item = imap::StatusItem;

// What comes close together is told together: a mailbox that is being made, a message after the other.
constexpr std::chrono::milliseconds gather_time{200};
// Whatever the kernel tells; and where it tells not all.
constexpr std::chrono::seconds careful_interval{300}, look_interval{30};

bool is_of_selected(Filter filter) { return filter == Filter::selected || filter == Filter::selected_delayed; }

bool is_below(std::string_view name, std::string_view parent, char separator) {
  return name == parent || (name.size() > parent.size() && name.starts_with(parent) && name[parent.size()] == separator);
}

}  // namespace

Notifier::Notifier(Session& session, imap::NotifyArguments wanted)
    : session_(session), wanted_(std::move(wanted)), watch_(session.account().location()) {
  for (const imap::NotifyGroup& group : wanted_.groups) {
    std::vector<std::string>& names = names_.emplace_back();
    for (const std::string& written : group.mailboxes) {
      if (auto name = session.store_name(written)) names.push_back(std::move(*name));
    }
    if (is_of_selected(group.filter)) selected_ = &group;
    wants_modseq_ = wants_modseq_ || (wanted_.wants_status && group.events.flag_change);
  }
}

bool Notifier::is_in(const imap::NotifyGroup& group, std::string_view name, bool is_subscribed) const {
  const std::vector<std::string>& names = names_[static_cast<std::size_t>(&group - wanted_.groups.data())];
  switch (group.filter) {
    case Filter::selected:
    case Filter::selected_delayed: return false;
    case Filter::inboxes: return name == store::inbox_name;
    case Filter::personal: return true;
    case Filter::subscribed: return is_subscribed;
    case Filter::mailboxes: return std::ranges::find(names, name) != names.end();
    case Filter::subtree: break;
  }
  const char separator = session_.account().location().separator();
  return std::ranges::any_of(names, [&](const std::string& parent) { return is_below(name, parent, separator); });
}

Notifier::Wanted Notifier::wanted_of(std::string_view name, bool is_subscribed) const {
  Wanted wanted;
  for (const imap::NotifyGroup& group : wanted_.groups) {
    if (!is_in(group, name, is_subscribed)) continue;
    wanted.messages = wanted.messages || group.events.message_new;
    wanted.flags = wanted.flags || group.events.flag_change;
    wanted.name = wanted.name || group.events.mailbox_name;
    wanted.subscription = wanted.subscription || group.events.subscription_change;
  }
  return wanted;
}

bool Notifier::wants_others() const {
  return std::ranges::any_of(wanted_.groups, [](const imap::NotifyGroup& group) { return !is_of_selected(group.filter); });
}

Result<Notifier::Tree> Notifier::read_tree() const {
  const auto limit = static_cast<std::size_t>(session_.site().params.imapd_notify_mailboxes_limit);
  Tree tree;
  for (const store::Listed& listed : TRY(session_.account().list())) {
    event::breathe();
    if (tree.names.size() < limit) tree.names.push_back(listed.name);
    const Wanted wanted = wanted_of(listed.name, listed.subscribed);
    if (listed.selectable && wanted.any()) tree.mailboxes[listed.name] = {.wanted = wanted, .is_subscribed = listed.subscribed, .no_inferiors = listed.no_inferiors};
  }
  for (std::string& name : TRY(session_.account().subscriptions())) {
    if (wanted_of(name, true).subscription) tree.subscriptions.insert(std::move(name));
  }
  if (tree.mailboxes.size() > limit || tree.subscriptions.size() > limit) return base::Failure(base::Error::system("NOTIFY", EOVERFLOW));
  return tree;
}

void Notifier::watch(const Tree& tree) {
  std::vector<std::string> mailboxes;
  for (const auto& [name, known] : known_) {
    if (known.wanted.messages) mailboxes.push_back(name);
  }
  watch_.watch(mailboxes, tree.names);
}

// Without telling.
void Notifier::look_at(Known& known, const std::string& name) {
  known.mark = session_.account().mark(name);
  if (auto status = session_.account().status(name)) known.status = std::move(*status);
  event::breathe();
}

Result<void> Notifier::begin() {
  if (!wants_others()) return {};
  Tree tree = TRY(read_tree());
  known_ = std::move(tree.mailboxes);
  subscriptions_ = std::move(tree.subscriptions);
  watch(tree);   // first, so that nothing is missed
  for (auto& [name, known] : known_) look_at(known, name);
  if (session_.view() != nullptr) selected_name_ = session_.view()->name();
  look_at_all_ = due_ = base::after(watch_.is_complete() ? careful_interval : look_interval);
  return {};
}

namespace {

void append_state(std::string& out, const Session& session, std::string_view name, const store::Status& status, std::initializer_list<Item> items) {
  imap::StatusWriter writer(out, imap::encode_mailbox_name(session.names().from_store(name), session.coding()));
  for (const Item item : items) {
    const std::uint64_t value = item == Item::messages       ? status.messages
                                : item == Item::uid_next     ? status.uid_next
                                : item == Item::uid_validity ? status.uid_validity
                                : item == Item::unseen       ? status.unseen
                                                             : status.highest_modseq;
    writer.number(item, value);
  }
  writer.close();
}

}  // namespace

bool Notifier::is_selected(std::string_view name) const { return session_.view() != nullptr && session_.view()->name() == name; }

void Notifier::tell_states() {
  std::string out;
  for (auto& [name, known] : known_) {
    if (!known.wanted.messages || is_selected(name)) continue;
    known.is_told = true;
    if (wants_modseq_) append_state(out, session_, name, known.status, {Item::messages, Item::uid_next, Item::uid_validity, Item::unseen, Item::highest_modseq});
    else append_state(out, session_, name, known.status, {Item::messages, Item::uid_next, Item::uid_validity, Item::unseen});
  }
  session_.write(out);
}

View::Telling Notifier::allowed(View::Telling what, Occasion occasion) const {
  if (occasion == Occasion::changing) return what;
  const imap::NotifyEvents events = selected_ == nullptr ? imap::NotifyEvents{} : selected_->events;
  const bool is_early = occasion == Occasion::waiting && selected_ != nullptr && selected_->filter == Filter::selected_delayed;
  what.vanished = what.vanished && events.message_expunge && !is_early;
  what.arrived = events.message_new;
  what.flags = events.flag_change;
  return what;
}

// Of what cannot be read nothing is told.
void Notifier::fetch_new(std::uint32_t first_new) {
  if (first_new == 0 || selected_ == nullptr || !selected_->events.fetch) return;
  View& view = *session_.view();
  FetchWriter writer(session_, *selected_->events.fetch);
  for (std::uint32_t number = first_new; number <= view.exists() && !session_.is_lost(); ++number) {
    const store::Entry* const entry = view.mailbox().find(view.uid_of(number));
    if (entry == nullptr) continue;
    if (const auto written = writer.write(number, *entry); !written && written.error().code() != ENOENT) {
      maillog::warning("{}: message {} cannot be read: {}", session_.user().name, view.uid_of(number), ascii::printable(written.error().message()));
    }
  }
}

void Notifier::tell() {
  if (!wants_others()) return;
  const store::AccountWatch::News news = watch_.take();
  is_tree_due_ = is_tree_due_ || news.tree;
  is_all_due_ = is_all_due_ || news.all;
  mailboxes_due_.insert(news.mailboxes.begin(), news.mailboxes.end());
  follow_selection();
  const Deadline now = std::chrono::steady_clock::now();
  const bool has_news = is_tree_due_ || is_all_due_ || !mailboxes_due_.empty();
  if (now >= look_at_all_) {
    is_tree_due_ = is_all_due_ = true;
  } else if (has_news && due_ == look_at_all_) {
    due_ = std::min(now + gather_time, look_at_all_);
    return;
  } else if (now < due_) {
    return;
  }
  if (is_tree_due_) look_at_tree();
  std::set<std::string> due = std::exchange(mailboxes_due_, {});
  if (std::exchange(is_all_due_, false)) {
    for (const auto& [name, known] : known_) due.insert(name);
  }
  std::string out;
  for (const std::string& name : due) {
    const auto found = known_.find(name);
    if (found != known_.end() && found->second.wanted.messages && !is_selected(name)) look_at_mailbox(out, name, found->second);
    event::breathe();
  }
  session_.write(out);
  if (now >= look_at_all_) look_at_all_ = base::after(watch_.is_complete() ? careful_interval : look_interval);
  due_ = mailboxes_due_.empty() ? look_at_all_ : std::min(base::after(gather_time), look_at_all_);
}

// What the client has seen while it was selected is not told once more.
void Notifier::follow_selection() {
  const std::string now = session_.view() == nullptr ? std::string() : session_.view()->name();
  if (now == selected_name_) return;
  if (const auto before = known_.find(selected_name_); before != known_.end() && before->second.wanted.messages) {
    mailboxes_due_.erase(selected_name_);
    look_at(before->second, before->first);
  }
  selected_name_ = now;
}

void Notifier::look_at_tree() {
  is_tree_due_ = false;
  auto now = read_tree();
  if (!now && now.error().code() == EOVERFLOW) return overflow();
  if (!now) {
    maillog::warning("{}: NOTIFY: {}", session_.user().name, ascii::printable(now.error().message()));
    return;
  }
  std::string out;
  // What is new is looked at before it is told: a mailbox that has come may be one that has gone under another name.
  for (auto& [name, mailbox] : now->mailboxes) {
    if (const auto before = known_.find(name); before != known_.end()) {
      const Wanted wanted = mailbox.wanted;
      const bool is_subscribed = mailbox.is_subscribed;
      mailbox = before->second;
      mailbox.wanted = wanted;
      mailbox.is_subscribed = is_subscribed;
      continue;
    }
    look_at(mailbox, name);
    // Mail that came while it was made is news; nothing in it is none.
    if (mailbox.status.messages == 0) continue;
    mailbox.status = {.mailbox_id = mailbox.status.mailbox_id};
    mailbox.mark = {};
    mailboxes_due_.insert(name);
  }
  tell_names(out, *now);
  tell_subscriptions(out, *now);
  session_.write(out);
  known_ = std::move(now->mailboxes);
  subscriptions_ = std::move(now->subscriptions);
  watch(*now);
}

// Without the end of the line. An attribute that is empty is none.
void Notifier::begin_list(std::string& out, std::string_view name, std::string_view attribute, std::string_view other) const {
  std::array<std::string_view, 2> attributes{attribute, other};
  const auto end = std::remove(attributes.begin(), attributes.end(), std::string_view());
  imap::append_list(out, "LIST", std::span(attributes.begin(), end), session_.names().separator(),
                    imap::encode_mailbox_name(session_.names().from_store(name), session_.coding()));
}

void Notifier::tell_names(std::string& out, const Tree& now) {
  std::set<std::string> renamed;   // old names
  for (const auto& [name, mailbox] : now.mailboxes) {
    if (known_.contains(name) || !mailbox.wanted.name) continue;
    const auto old = std::ranges::find_if(known_, [&](const auto& each) {
      return !now.mailboxes.contains(each.first) && !each.second.status.mailbox_id.empty() && each.second.status.mailbox_id == mailbox.status.mailbox_id;
    });
    begin_list(out, name, mailbox.no_inferiors ? "\\NoInferiors" : "");
    if (old != known_.end()) {
      renamed.insert(old->first);
      out += fmt::format(" (\"OLDNAME\" ({}))", session_.wire_name(old->first));
    }
    out += "\r\n";
  }
  for (const auto& [name, mailbox] : known_) {
    if (now.mailboxes.contains(name) || renamed.contains(name) || !mailbox.wanted.name) continue;
    begin_list(out, name, "\\NonExistent");
    out += "\r\n";
  }
}

void Notifier::tell_subscriptions(std::string& out, const Tree& now) {
  const auto tell = [&](std::string_view name, bool is_subscribed) {
    const auto known = now.mailboxes.find(name);
    const bool no_inferiors = known != now.mailboxes.end() && known->second.no_inferiors;
    begin_list(out, name, is_subscribed ? "\\Subscribed" : "", no_inferiors ? "\\NoInferiors" : "");
    out += "\r\n";
  };
  for (const std::string& name : now.subscriptions) {
    if (!subscriptions_.contains(name)) tell(name, true);
  }
  for (const std::string& name : subscriptions_) {
    if (!now.subscriptions.contains(name)) tell(name, false);
  }
}

void Notifier::look_at_mailbox(std::string& out, const std::string& name, Known& known) {
  const store::Account::Mark mark = session_.account().mark(name);
  if (!mark.is_settled) mailboxes_due_.insert(name);   // there may be more
  if (mark == known.mark && mark.is_settled) return;
  known.mark = mark;
  auto status = session_.account().status(name);
  if (!status) return;   // it is gone: the tree tells
  const store::Status before = std::exchange(known.status, std::move(*status));
  const store::Status& now = known.status;
  const bool is_new = before.uid_validity != now.uid_validity || before.uid_next != now.uid_next;
  const bool has_gone = before.messages != now.messages;
  const bool is_changed = before.highest_modseq != now.highest_modseq || before.unseen != now.unseen;
  if (!is_new && !has_gone && !(is_changed && known.wanted.flags)) return;
  const bool is_only_flags = !is_new && !has_gone;
  const bool tells_validity = !known.is_told || before.uid_validity != now.uid_validity;
  const Features& features = session_.features();
  imap::StatusWriter writer(out, imap::encode_mailbox_name(session_.names().from_store(name), session_.coding()));
  if (!is_only_flags || tells_validity) {
    writer.number(Item::messages, now.messages);
    writer.number(Item::uid_next, now.uid_next);
  }
  if (tells_validity) writer.number(Item::uid_validity, now.uid_validity);
  if (!is_only_flags || tells_validity || before.unseen != now.unseen) writer.number(Item::unseen, now.unseen);
  if (is_only_flags || wants_modseq_ || features.condstore || features.qresync) writer.number(Item::highest_modseq, now.highest_modseq);
  writer.close();
  known.is_told = true;
}

// RFC 5465 section 5.8: from here on it is as after NOTIFY NONE.
void Notifier::overflow() {
  session_.write("* OK [NOTIFICATIONOVERFLOW] There are too many mailboxes to watch.\r\n");
  watch_.stop();
  wanted_.groups.clear();
  names_.clear();
  selected_ = nullptr;
  known_.clear();
  subscriptions_.clear();
  mailboxes_due_.clear();
  due_ = look_at_all_ = base::no_deadline;
}

}  // namespace imapd
