#include "imapd/sorter.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "imapd/kept_texts.h"
#include "imapd/progress.h"
#include "lib/event/loop.h"
#include "lib/message/sort_keys.h"

namespace imapd {
namespace {

using imap::SortKey;

// What a criterion compares.
struct Keyed {
  store::Uid uid = 0;
  std::int64_t number = 0;
  std::string text;
  [[nodiscard]] auto value() const { return std::tie(number, text); }
};

// One of the ranges of messages that are equal so far.
struct Equals {
  std::size_t first = 0, last = 0;   // places; the last is not in it
};

class Sorter {
 public:
  Sorter(Session& session, std::vector<store::Uid>& uids, Progress& progress)
      : session_(session), mailbox_(session.view()->mailbox()), uids_(uids), progress_(progress) {}

  // One criterion after the other, each only where those before it have not decided: no more than one key of each message is in memory,
  // and most are never asked for.
  void run(std::span<const imap::SortCriterion> criteria) {
    std::vector<Equals> undecided{{.first = 0, .last = uids_.size()}}, next;
    std::vector<SortKey> done;
    for (const imap::SortCriterion& criterion : criteria) {
      progress_.next_step(uids_.size());
      if (std::ranges::find(done, criterion.key) != done.end()) continue;
      done.push_back(criterion.key);
      next.clear();
      for (const Equals& equals : undecided) {
        if (session_.is_lost()) return;
        decide(criterion, equals, next);
      }
      undecided.swap(next);
    }
  }

 private:
  void decide(const imap::SortCriterion& criterion, const Equals& equals, std::vector<Equals>& undecided) {
    if (equals.last - equals.first < 2) return;
    std::vector<Keyed> all;
    all.reserve(equals.last - equals.first);
    for (std::size_t i = equals.first; i < equals.last; ++i) {
      all.push_back(keyed(criterion.key, uids_[i]));
      event::breathe();
      progress_.went(i + 1);
    }
    if (criterion.is_reverse) std::ranges::stable_sort(all, std::ranges::greater(), &Keyed::value);
    else std::ranges::stable_sort(all, std::ranges::less(), &Keyed::value);
    for (std::size_t i = 0; i < all.size();) {
      const std::size_t begin = i;
      for (; i < all.size() && all[i].value() == all[begin].value(); ++i) uids_[equals.first + i] = all[i].uid;
      undecided.push_back({.first = equals.first + begin, .last = equals.first + i});
    }
  }

  Keyed keyed(SortKey key, store::Uid uid) {
    Keyed out{.uid = uid, .number = 0, .text = {}};
    switch (key) {
      case SortKey::arrival: out.number = arrival(uid).time_since_epoch().count(); break;
      case SortKey::size: out.number = size(uid); break;
      case SortKey::date: out.number = sent(uid).time_since_epoch().count(); break;
      case SortKey::from: out.text = message::sort_mailbox(fields(uid), "From"); break;
      case SortKey::to: out.text = message::sort_mailbox(fields(uid), "To"); break;
      case SortKey::cc: out.text = message::sort_mailbox(fields(uid), "Cc"); break;
      case SortKey::display_from: out.text = message::sort_display_name(fields(uid), "From"); break;
      case SortKey::display_to: out.text = message::sort_display_name(fields(uid), "To"); break;
      case SortKey::subject: out.text = message::sort_subject(fields(uid)); break;
      case SortKey::relevancy:
      case SortKey::x_score: break;   // all are equal
    }
    return out;
  }

  std::chrono::sys_seconds arrival(store::Uid uid) {
    const auto facts = mailbox_.facts(uid);
    return facts ? std::chrono::floor<std::chrono::seconds>(facts->internal_date) : std::chrono::sys_seconds();
  }

  std::int64_t size(store::Uid uid) {
    const auto facts = mailbox_.facts(uid);
    return facts ? static_cast<std::int64_t>(facts->size) : 0;
  }

  std::chrono::sys_seconds sent(store::Uid uid) {
    const auto sent = message::sort_date(fields(uid));
    return sent ? *sent : arrival(uid);
  }

  std::string fields(store::Uid uid) { return kept_sort_fields(mailbox_, uid).value_or(std::string()); }

  Session& session_;
  store::Mailbox& mailbox_;
  std::vector<store::Uid>& uids_;
  Progress& progress_;
};

}  // namespace

void sort_messages(Session& session, std::span<const imap::SortCriterion> criteria, std::vector<store::Uid>& uids, Progress& progress) {
  Sorter(session, uids, progress).run(criteria);
}

}  // namespace imapd
