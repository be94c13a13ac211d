#include "imapd/status_response.h"

#include <utility>

namespace imapd {

Result<void> append_status_of(std::string& out, Session& session, std::string_view name, const imap::StatusItems& items) {
  using Item = imap::StatusItem;
  const bool wants_size = items.has(Item::size) || items.has(Item::deleted_storage);
  const store::Status status = TRY(session.account().status(name, wants_size ? store::Account::Sizes::wanted : store::Account::Sizes::not_wanted));
  if (items.has(Item::highest_modseq)) session.features().condstore = true;
  imap::StatusWriter writer(out, imap::encode_mailbox_name(session.names().from_store(name), session.coding()));
  const std::pair<Item, std::uint64_t> numbers[] = {{Item::messages, status.messages},
                                                    {Item::recent, status.recent},
                                                    {Item::uid_next, status.uid_next},
                                                    {Item::uid_validity, status.uid_validity},
                                                    {Item::unseen, status.unseen},
                                                    {Item::deleted, status.deleted},
                                                    {Item::deleted_storage, status.deleted_size},
                                                    {Item::size, status.size},
                                                    {Item::highest_modseq, status.highest_modseq}};
  for (const auto& [item, value] : numbers) {
    if (items.has(item)) writer.number(item, value);
  }
  if (items.has(Item::mailbox_id)) writer.text(Item::mailbox_id, status.mailbox_id);
  if (items.has(Item::x_guid)) writer.text(Item::x_guid, status.mailbox_id);
  writer.close();
  return {};
}

}  // namespace imapd
