// How a Maildir gets its first dovecot-uidlist, and with it what Courier knew of the messages.
//
// dovecot-uidlist is written last, by the caller: while it is not there, all of this is done once more.

#include <algorithm>
#include <cerrno>
#include <functional>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/store/courier.h"
#include "lib/store/maildir.h"

namespace store {
namespace {

constexpr int rename_tries = 4;  // while others rename the same files

using Numbers = std::vector<std::size_t>;  // of keywords, as Courier's

// For each of Courier's keywords its bit; 0: no room is left. New ones get theirs by how many messages have them, so that
// those used most have letters; but no letter that is in a file's name without meaning anything (`stray`).
std::vector<std::uint64_t> bits_for(const std::vector<std::string>& courier_names, std::span<const std::size_t> uses, std::uint64_t stray,
                                    std::vector<std::string>& names) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    if (uses[i] > 0 && courier_names[i].size() <= keyword_size_max) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return uses[i]; });
  names.resize(keywords_max);
  std::vector<std::uint64_t> bits(uses.size());
  for (const std::size_t number : order) {
    const std::string& name = courier_names[number];
    const auto known = std::ranges::find_if(names, [&](const std::string& other) { return ascii::equal_ignoring_case(other, name); });
    auto bit = static_cast<std::size_t>(known - names.begin());
    if (known == names.end()) {
      for (bit = 0; bit < keywords_max && (!names[bit].empty() || (stray >> bit & 1) != 0);) ++bit;
    }
    if (bit == keywords_max) continue;
    if (names[bit].empty()) names[bit] = name;
    bits[number] = std::uint64_t{1} << bit;
  }
  return bits;
}

std::uint64_t letters_in(const MaildirScan& scan) {
  std::uint64_t letters = 0;
  for (const ScannedFile& file : scan.files) letters |= FileName::split(scan.name(file)).flags().keywords;
  return letters;
}

// A name that cannot be: no reason to refuse the mailbox. Its keyword is lost.
bool can_stay_without(int code) { return code == EEXIST || code == ENAMETOOLONG || code == EACCES || code == EPERM || code == EROFS; }

}  // namespace

Result<Uidlist> Maildir::first_uidlist() {
  MaildirScan scan = TRY(MaildirScan::read(cur_, fresh_, {}));
  Uidlist known;
  if (auto text = TRY(read_in(directory_, courier_uid_file, uidlist_size_max))) {
    if (auto courier = Uidlist::parse(std::move(*text))) known = std::move(*courier);
  }
  if (known.validity == 0) known.validity = TRY(new_uid_validity(places_.roots));
  // The list was ours before, and was lost: what it had given is not given again.
  if (known.validity == uid_validity_) known.next = std::max(known.next, uid_next_);
  known.mailbox_id = new_mailbox_id();

  CourierUidls uidls;
  if (const auto text = TRY(read_in(directory_, courier_pop3_file, uidlist_size_max))) uidls = courier_uidls(*text);
  std::string lines;
  const auto add = [&](Uid uid, std::string_view base) {
    const auto uidl = uidls.find(base);
    Uidlist::append_line(lines, uid, uidl == uidls.end() ? std::string() : "P" + uidl->second, base);
  };
  for (const UidlistLine& line : known.lines) {
    if (ScannedFile* const file = scan.find(line.name)) file->taken = true;
    add(line.uid, line.name);
  }
  const auto strangers = scan.untaken();
  if (strangers.size() > UINT32_MAX - known.next) return base::fail("no more UIDs", ENOSPC);
  for (const std::string_view base : strangers) add(known.next++, base);
  Uidlist list = TRY(Uidlist::parse(known.header() + lines));
  TRY(take_keywords(list, scan));
  return list;
}

Result<void> Maildir::take_keywords(const Uidlist& list, MaildirScan& scan) {
  const CourierKeywords courier = TRY(CourierKeywords::read(directory_));
  std::vector<std::pair<const UidlistLine*, const Numbers*>> messages;
  std::vector<std::size_t> uses(courier.names().size());
  for (const UidlistLine& line : list.lines) {
    const auto found = courier.messages().find(line.name);
    if (found == courier.messages().end() || scan.find(line.name) == nullptr) continue;
    messages.emplace_back(&line, &found->second);
    for (const std::size_t number : found->second) ++uses[number];
  }
  if (messages.empty()) return {};
  KeywordFiles files = TRY(KeywordFiles::read(control_, list.validity));
  const auto bits = bits_for(courier.names(), uses, letters_in(scan) & ~files.named(), files.names);
  std::map<std::string_view, std::uint64_t> letters;  // of files that are to be renamed
  bool has_more = false;
  for (const auto& [line, numbers] : messages) {
    std::uint64_t keywords = 0;
    for (const std::size_t number : *numbers) keywords |= bits[number];
    if ((keywords & letter_bits) != 0) letters.emplace(line->name, keywords & letter_bits);
    if ((keywords & ~letter_bits) == 0) continue;
    files.set_more(line->uid, files.more_of(line->uid) | keywords);
    has_more = true;
  }
  // A letter is in no name before it means something.
  if (!letters.empty()) TRY(replace_in(control_, std::string(letter_keywords_file), files.letters_text(), Durable::yes));
  if (has_more) TRY(replace_in(control_, std::string(more_keywords_file), files.more_text(list.validity), Durable::yes));
  return letters.empty() ? Result<void>() : add_letters(letters);
}

Result<void> Maildir::add_letters(const std::map<std::string_view, std::uint64_t>& letters) {
  bool all = false;
  for (int attempt = 0; attempt < rename_tries && !all; ++attempt) {
    MaildirScan scan = TRY(MaildirScan::read(cur_, fresh_, {}));
    all = true;
    for (const auto& [base, keywords] : letters) {
      const ScannedFile* const file = scan.find(base);
      if (file == nullptr) continue;
      const std::string old_name(scan.name(*file));
      const FileName parts = FileName::split(old_name);
      Flags flags = parts.flags();
      if ((flags.keywords & keywords) == keywords) continue;
      flags.keywords |= keywords;
      // In new/ it stays recent.
      const std::string name = file_name(parts.base, flags, parts.info);
      const int directory = (file->in_new ? fresh_ : cur_).get();
      if (::renameat2(directory, old_name.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0) continue;
      if (errno == ENOENT) all = false;
      else if (!can_stay_without(errno)) return base::fail_system("rename message");
    }
  }
  if (!all) return base::fail("the mailbox changes all the time", EAGAIN);
  for (const Fd* const directory : {&cur_, &fresh_}) {
    if (::fsync(directory->get()) != 0) return base::fail_system("fsync maildir");
  }
  return {};
}

}  // namespace store
