#include "imapd/list_response.h"

#include <unordered_set>

#include "lib/store/names.h"
#include "lib/store/special_use.h"

namespace imapd {
namespace {

std::vector<std::string_view> attributes_of(const Told& told, const imap::ListArguments& wanted, bool is_lsub) {
  std::vector<std::string_view> out;
  const store::Listed& listed = told.listed;
  if (is_lsub) {
    if (!listed.subscribed) out.emplace_back("\\Noselect");   // a parent
    return out;
  }
  if (listed.subscribed && (wanted.returned.subscribed || wanted.select.subscribed)) out.emplace_back("\\Subscribed");
  // RFC 5258 section 3: a name that is no mailbox is \NonExistent for who knows that word.
  if (!told.exists || !listed.selectable) out.emplace_back(wanted.is_extended ? "\\NonExistent" : "\\Noselect");
  if (listed.no_inferiors) out.emplace_back("\\NoInferiors");
  else if (told.exists && (wanted.returned.children || !wanted.is_extended)) out.emplace_back(listed.has_children ? "\\HasChildren" : "\\HasNoChildren");
  const auto uses = store::special_use_names(listed.special);
  out.insert(out.end(), uses.begin(), uses.end());
  return out;
}

}  // namespace

Result<std::vector<Told>> all_told(Session& session, bool with_subscriptions) {
  std::vector<Told> out;
  for (store::Listed& listed : TRY(session.account().list())) {
    std::string name = session.names().from_store(listed.name);
    out.push_back({.listed = std::move(listed), .name = std::move(name)});
  }
  // All that is below the prefix "INBOX." is below INBOX as the client sees it.
  if (out.size() > 1 && session.names().prefix() == std::string(store::inbox_name) + session.names().separator()) out.front().listed.has_children = true;
  if (!with_subscriptions) return out;
  std::unordered_set<std::string> listed;
  for (const Told& told : out) listed.insert(told.listed.name);
  for (std::string& subscribed : TRY(session.account().subscriptions())) {
    if (listed.contains(subscribed)) continue;
    std::string name = session.names().from_store(subscribed);
    out.push_back({.listed = {.name = std::move(subscribed), .selectable = false, .subscribed = true}, .name = std::move(name), .exists = false});
  }
  return out;
}

void append_told(std::string& out, Session& session, const Told& told, const imap::ListArguments& wanted, std::string_view command) {
  imap::append_list(out, command, attributes_of(told, wanted, command == "LSUB"), session.names().separator(),
                    imap::encode_mailbox_name(told.name, session.coding()));
  if (told.child_subscribed) out += " (CHILDINFO (\"SUBSCRIBED\"))";
  out += "\r\n";
}

Result<void> append_list_of(std::string& out, Session& session, std::string_view name) {
  for (const Told& told : TRY(all_told(session, false))) {
    if (told.listed.name == name) append_told(out, session, told, {}, "LIST");
  }
  return {};
}

}  // namespace imapd
