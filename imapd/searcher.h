#pragma once
// Which messages of the selected mailbox match a search program (RFC 9051 section 6.4.4).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imapd/session.h"
#include "lib/imap/search_program.h"
#include "lib/imap/sequence_set.h"
#include "lib/message/parts.h"
#include "lib/message/search.h"

namespace imapd {

class Searcher {
 public:
  // What sets of messages and "*" mean is settled here. None: the character set is not known.
  static std::optional<Searcher> make(Session& session, imap::SearchProgram program, std::string_view charset);

  // In the order of the mailbox. Lets other sessions run in between. Message numbers that are not there match nothing. The first step
  // of `progress`.
  [[nodiscard]] std::vector<store::Uid> run(Progress& progress);
  [[nodiscard]] bool matches(const store::Entry& entry);
  // Before matches() some time after it was made: keywords may be new, and the time is another.
  void look_again();
  [[nodiscard]] const imap::SearchProgram& program() const { return program_; }

 private:
  struct Leaf {
    std::optional<message::Needle> needle;       // of a text
    std::uint64_t keyword = 0;                   // the bit of a keyword
    imap::NumberSet uids;                        // of a set: with others that are not in the mailbox
  };
  // A message that is being looked at.
  struct Looked {
    const store::Entry* entry;
    std::optional<store::Facts> facts;
    std::optional<store::Message> message;
    std::optional<message::Parts> parts;
    std::optional<std::string> fields;           // of its header, those that are kept (kept_sort_fields)
    bool is_unreadable = false;
  };

  Searcher(Session& session, imap::SearchProgram program) : session_(session), program_(std::move(program)) {}
  void prepare_sets();
  [[nodiscard]] imap::NumberSet uids_of(const imap::SequenceSet& set, imap::Numbering numbering) const;
  [[nodiscard]] imap::Truth test(const imap::SearchNode& node, Looked& looked, bool may_read);
  [[nodiscard]] bool test_facts(const imap::SearchNode& node, Looked& looked);
  [[nodiscard]] bool test_fields(const imap::SearchNode& node, Looked& looked);
  [[nodiscard]] bool test_text(const imap::SearchNode& node, Looked& looked);
  [[nodiscard]] bool read(Looked& looked);

  Session& session_;
  imap::SearchProgram program_;
  std::vector<Leaf> leaves_;   // by the node's place
  Stamp now_ = std::chrono::system_clock::now();
};

}  // namespace imapd
