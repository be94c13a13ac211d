#pragma once
// The selected mailbox as its client knows it. Message numbers are the client's: they change only when he is told. What the
// disk says besides waits here until a command may tell it.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "imapd/features.h"
#include "lib/imap/sequence_set.h"
#include "lib/store/mailbox.h"

namespace imapd {

class SearchUpdates;

class View {
 public:
  // `name` as the suite has it.
  View(std::unique_ptr<store::Mailbox> mailbox, std::string name);
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  [[nodiscard]] store::Mailbox& mailbox() { return *mailbox_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t exists() const { return static_cast<std::uint32_t>(uids_.size()); }
  [[nodiscard]] std::uint32_t recent() const;
  [[nodiscard]] store::Uid uid_of(std::uint32_t number) const { return uids_[number - 1]; }
  // 0: the client knows no such message.
  [[nodiscard]] std::uint32_t number_of(store::Uid uid) const;
  [[nodiscard]] std::span<const store::Uid> uids() const { return uids_; }

  // The UIDs that a client means, in ascending order: numbers of messages or UIDs; the saved result for "$". Those that he knows, also
  // where they have gone meanwhile. None: a message number that is not there.
  [[nodiscard]] std::optional<std::vector<store::Uid>> resolve(const imap::SequenceSet& set, imap::Numbering numbering) const;
  void save(imap::NumberSet uids) { saved_ = std::move(uids); }
  [[nodiscard]] const imap::NumberSet& saved() const { return saved_; }
  // They end with the view.
  [[nodiscard]] SearchUpdates& search_updates() { return *search_updates_; }

  // Looks at the disk and keeps what is new for tell(). The error: the mailbox is gone, or another one.
  [[nodiscard]] Result<void> refresh();
  // Flags that the client has changed himself and wants to hear nothing of (STORE .SILENT): of these only mod-sequences are told.
  void be_silent_about(std::span<const store::Uid> uids);
  // He is to be told their flags, whether they have changed or not.
  void tell_again(std::span<const store::Uid> uids);
  // He has just been told their flags.
  void forget_changes(std::span<const store::Uid> uids);

  // What waits, as untagged responses.
  struct Telling {
    bool vanished = true;     // else what has gone waits on: its numbers are still in use
    bool uids = false;        // FETCH responses with UID
    bool arrived = true;      // else what is new waits on
    bool flags = true;        // and what has changed
  };
  struct Told {
    bool vanished;
    std::uint32_t first_new;  // number of the first message that is new to him; 0: none is
  };
  Told tell(std::string& out, Telling what, const Features& features);

  // "FLAGS (..)" and PERMANENTFLAGS, as SELECT and new keywords tell them.
  void append_flags(std::string& out) const;
  // The flags of a message, "(\Seen $Forwarded)". In IMAP4rev2 there is no \Recent.
  void append_flags_of(std::string& out, const store::Entry& entry, const Features& features) const;

 private:
  void tell_vanished(std::string& out, const Features& features);
  void tell_changed(std::string& out, const Telling& what, const Features& features);

  std::unique_ptr<store::Mailbox> mailbox_;
  std::string name_;
  std::vector<store::Uid> uids_;           // what the client knows, by number
  std::uint32_t recent_ = 0;               // as he was told last
  imap::NumberSet saved_;                  // UIDs (RFC 5182)
  std::vector<store::Uid> arrived_;        // news, each in order
  std::set<store::Uid> vanished_, changed_, silent_;
  std::unique_ptr<SearchUpdates> search_updates_;
  std::set<store::Uid> unsearched_;        // changed or arrived since these have looked
  bool has_new_keywords_ = false;
};

}  // namespace imapd
