// How an Mbox reads its file, and changes it.

#include <algorithm>
#include <cerrno>
#include <map>

#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/store/mbox.h"
#include "lib/store/mbox_rewrite.h"

namespace store {
namespace {

constexpr std::uint32_t believable_uid_max = std::uint32_t{1} << 31;  // a larger one in X-IMAPbase is somebody's joke
constexpr std::size_t append_size_max = std::size_t{1} << 31;

std::string_view body_of(std::string_view text, const MboxMessage& message) { return text.substr(message.body, message.end - message.body); }

// Every message's text ends with a line, and an empty one follows.
std::string message_text(std::string_view from_line, std::string_view visible, const MboxState& state, std::string_view body) {
  std::string whole_body(body);
  if (!whole_body.empty() && !whole_body.ends_with('\n')) whole_body += '\n';
  std::string out(from_line);
  // The empty line is header_with's.
  while (visible.ends_with("\n\n")) visible.remove_suffix(1);
  if (visible == "\n") visible = {};
  out += header_with(visible, state, whole_body.size());
  out += whole_body;
  out += '\n';
  return out;
}

}  // namespace

Result<void> Mbox::sync() {
  if (!file_) return {};
  const FileMark mark = mark_of(file_);
  if (mark == mark_ && !unsettled_ && uid_validity_ != 0) return {};
  std::string text = TRY(read_text());
  MboxText parsed;
  if (!parsed.parse(text)) return base::fail("not an mbox", EINVAL);
  const bool forged = has_state_ && was_empty_ && parsed.uid_validity != uid_validity_;
  const bool believable = parsed.uid_validity != 0 && parsed.last_uid < believable_uid_max && !forged;
  if (believable && parsed.uid_validity != uid_validity_) {
    if (uid_validity_ != 0 && !list_.entries().empty()) list_.note_reset();
    list_.begin();
    rows_.clear();
    keywords_.clear();
    uid_validity_ = parsed.uid_validity;
    uid_next_ = 1;
  }
  if (!believable) {
    for (MboxMessage& message : parsed.messages) message.uid = 0;
    parsed.uid_validity = 0;
  }
  if (uid_validity_ == 0) uid_validity_ = TRY(new_uid_validity(places_.roots));
  if (mailbox_id_.empty()) mailbox_id_ = new_mailbox_id();
  if (believable) uid_next_ = std::max(uid_next_, parsed.last_uid + 1);
  // Where nothing can be written, those without a UID get the same numbers each time, as they would where it can.
  if (access_ == Access::read_only) uid_next_ = believable ? parsed.last_uid + 1 : kept_next_;
  static_cast<void>(bits_of(parsed.keywords));
  TRY(give_uids(parsed, text));
  TRY(merge(parsed, text));
  if (!has_state_ || was_empty_ != list_.entries().empty()) {
    if (access_ == Access::read_write) TRY(write_state());
  }
  mark_ = mark_of(file_);
  unsettled_ = !is_settled(mark_);
  return {};
}

// Messages without a UID, or with one that is not to be believed, get the next; they and those behind them are written anew.
Result<void> Mbox::give_uids(MboxText& parsed, std::string& text) {
  std::uint64_t offset = UINT64_MAX;
  Uid previous = 0;
  const Uid last = uid_next_ - 1;
  const bool knows = !list_.entries().empty() || list_.gone_since() != 0;
  for (MboxMessage& message : parsed.messages) {
    const bool is_back = knows && !rows_.empty() && message.uid != 0 && list_.find(message.uid) == nullptr && message.uid <= list_.entries().back().uid;
    if (message.uid <= previous || message.uid > last || is_back) {
      message.uid = uid_next_++;
      offset = std::min(offset, message.begin);
    }
    previous = std::max(previous, message.uid);
  }
  if (!parsed.messages.empty() && parsed.uid_validity == 0) offset = parsed.has_pseudo ? offset : 0;
  if (offset == UINT64_MAX || access_ == Access::read_only) return {};
  // UIDs that are gone by the time of a crash do no harm; one that is given twice does.
  const std::vector<bool> kept(parsed.messages.size(), true);
  TRY(rewrite_from(offset, text, parsed, kept));
  text = TRY(read_text());
  MboxText again;
  if (!again.parse(text)) return base::fail("mailbox cannot be read after it was written", EIO);
  parsed = std::move(again);
  return {};
}

Result<void> Mbox::rewrite_from(std::uint64_t offset, const std::string& text, const MboxText& parsed, const std::vector<bool>& kept) {
  about_to_change();
  const bool has_base = parsed.uid_validity != 0;
  std::size_t first = 0;
  while (first < kept.size() && !kept[first]) ++first;
  // The last UID stands in the first message: ten digits in their place, before a UID is in use.
  const std::string mark = fmt::format("{} ", parsed.uid_validity);
  const std::size_t base_at = has_base && offset > 0 ? text.find("X-IMAP") : std::string::npos;
  if (base_at != std::string::npos && base_at < offset) {
    const std::size_t digits = text.find(mark, base_at);
    constexpr std::size_t digits_size = 10;
    const std::string now = fmt::format("{:010}", uid_next_ - 1);
    const std::size_t at = digits + mark.size();
    const bool fits = digits != std::string::npos && at + digits_size <= offset &&
                      std::ranges::all_of(text.substr(at, digits_size), [](char c) { return ascii::is_digit(c); });
    if (!fits) {
      offset = 0;
    } else if (text.compare(at, digits_size, now) != 0) {
      if (::pwrite(file_.get(), now.data(), now.size(), static_cast<off_t>(at)) != static_cast<ssize_t>(now.size()) || ::fsync(file_.get()) != 0) {
        return base::fail_system("write mailbox");
      }
    }
  }
  std::string end;
  // What stands before the first message: a pseudo message, or nothing.
  const std::uint64_t first_begin = parsed.messages.empty() ? text.size() : parsed.messages[0].begin;
  if (offset == 0) end = parsed.has_pseudo ? text.substr(0, first_begin) : std::string();
  for (std::size_t i = 0; i < parsed.messages.size(); ++i) {
    const MboxMessage& message = parsed.messages[i];
    if (message.begin < offset || !kept[i]) continue;
    const std::string_view view = text;
    const std::string visible = visible_header(view.substr(message.header, message.body - message.header));
    end += message_text(view.substr(message.begin, message.header - message.begin), visible, state_of(message, i == first && !parsed.has_pseudo),
                        body_of(view, message));
  }
  if (offset == text.size() && end.empty()) return {};
  return rewrite_end(file_, offset, end, control_);
}

Result<void> Mbox::merge(MboxText& parsed, std::string_view) {
  std::map<Uid, const MboxMessage*> in_order;
  for (const MboxMessage& message : parsed.messages) in_order[message.uid] = &message;
  std::vector<Entry> now;
  std::vector<Row> rows;
  for (const auto& [uid, message] : in_order) {
    Row row;
    if (const Row* const old = row_of(uid); old != nullptr && old->end - old->body == message->end - message->body) {
      row.wire_size = old->wire_size;
      row.cached = old->cached;
    }
    row.begin = message->begin;
    row.header = message->header;
    row.body = message->body;
    row.end = message->end;
    row.next = message->next;
    row.date = message->date;
    Flags flags{message->system, bits_of(message->keywords)};
    if (!message->is_old) flags.system |= flag::recent;
    now.push_back({uid, flags, 0});
    rows.push_back(row);
    uid_next_ = std::max(uid_next_, uid + 1);
  }
  rows_ = std::move(rows);
  dirty_ = true;
  if (list_.replace(std::move(now))) about_to_change();
  return {};
}

Result<std::uint64_t> Mbox::keyword_bits(std::span<const std::string> names, NewKeywords what) {
  std::uint64_t bits = 0;
  std::vector<std::string> fresh;
  for (const std::string& name : names) {
    const auto found = std::ranges::find_if(keywords_, [&](const std::string& known) { return ascii::equal_ignoring_case(known, name); });
    if (found != keywords_.end()) bits |= std::uint64_t{1} << (found - keywords_.begin());
    else fresh.push_back(name);
  }
  if (fresh.empty() || what == NewKeywords::ignore) return bits;
  if (access_ == Access::read_only) return base::Failure(base::Error::system("new keyword", EROFS));
  if (keywords_.size() + fresh.size() > keywords_max) return base::fail("the mailbox has too many keywords", ENOSPC);
  // It reaches the file with the first message that has it.
  return bits | bits_of(fresh);
}

Result<StoreResult> Mbox::store(std::span<const Uid> uids, FlagChange how, Flags what, std::optional<ModSeq> unchanged_since) {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("store flags", EROFS));
  const auto locked = TRY(lock());
  TRY(sync());
  StoreResult result;
  std::vector<std::pair<std::size_t, Flags>> changes;
  for (const Uid uid : uids) {
    const Entry* const entry = list_.find(uid);
    if (entry == nullptr) {
      result.gone.push_back(uid);
    } else if (unchanged_since && entry->modseq > *unchanged_since) {
      result.modified.push_back(uid);
    } else if (const Flags before{static_cast<std::uint8_t>(entry->flags.system & flag::all), entry->flags.keywords};
               changed(before, how, what) != before) {
      changes.emplace_back(list_.position(entry), changed(before, how, what));
    }
  }
  if (changes.empty()) return result;
  about_to_change();
  const std::string text = TRY(read_text());
  MboxText parsed;
  if (!parsed.parse(text)) return base::fail("not an mbox", EINVAL);
  std::uint64_t offset = UINT64_MAX;
  for (const auto& [position, flags] : changes) {
    const auto message = std::ranges::find(parsed.messages, list_.entries()[position].uid, &MboxMessage::uid);
    if (message == parsed.messages.end()) continue;
    message->system = flags.system;
    message->keywords = names_of(flags.keywords);
    const std::string_view old_header = std::string_view(text).substr(message->header, message->body - message->header);
    const bool is_first = message == parsed.messages.begin() && !parsed.has_pseudo;
    std::string visible = visible_header(old_header);
    while (visible.ends_with("\n\n")) visible.pop_back();
    if (visible == "\n") visible.clear();
    std::string header = header_with(visible, state_of(*message, is_first), message->end - message->body);
    // Room is kept behind the keywords; what is left over goes to Status.
    if (header.size() > old_header.size()) {
      const std::size_t more = header.size() - old_header.size(), line_end = header.find("\nContent-Length:");
      const std::size_t room = line_end == std::string::npos ? 0 : line_end - 1 - header.find_last_not_of(' ', line_end - 1);
      if (more < room) header.erase(line_end - more, more);
    } else if (header.size() < old_header.size()) {
      const std::size_t line_end = header.find("\nContent-Length:");
      if (line_end != std::string::npos) header.insert(line_end, old_header.size() - header.size(), ' ');
    }
    if (header.size() != old_header.size() || (is_first && parsed.uid_validity == 0)) {
      offset = std::min(offset, message->begin);
      continue;
    }
    if (::pwrite(file_.get(), header.data(), header.size(), static_cast<off_t>(message->header)) != static_cast<ssize_t>(header.size())) {
      return base::fail_system("write mailbox");
    }
  }
  if (::fdatasync(file_.get()) != 0) return base::fail_system("fsync mailbox");
  if (offset != UINT64_MAX) {
    const std::string current = TRY(read_text());
    const std::vector<bool> kept(parsed.messages.size(), true);
    TRY(rewrite_from(offset, current, parsed, kept));
  }
  for (const auto& [position, flags] : changes) result.changed.push_back(list_.entries()[position].uid);
  const ModSeq modseq = list_.next_modseq();
  for (const auto& [position, flags] : changes) list_.set_flags(position, flags, modseq);
  mark_ = {};
  TRY(sync());
  return result;
}

Result<std::vector<Uid>> Mbox::expunge(std::span<const Uid> uids) {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("expunge", EROFS));
  const auto locked = TRY(lock());
  TRY(sync());
  const std::string text = TRY(read_text());
  MboxText parsed;
  if (!parsed.parse(text)) return base::fail("not an mbox", EINVAL);
  std::vector<bool> kept(parsed.messages.size(), true);
  std::vector<Uid> gone;
  std::uint64_t offset = UINT64_MAX;
  for (std::size_t i = 0; i < parsed.messages.size(); ++i) {
    const Uid uid = parsed.messages[i].uid;
    if (list_.find(uid) == nullptr || !std::ranges::binary_search(uids, uid)) continue;
    kept[i] = false;
    gone.push_back(uid);
    offset = std::min(offset, parsed.messages[i].begin);
  }
  if (gone.empty()) return gone;
  // The first message has what the mailbox as a whole needs; when none is left, valija-mbox has.
  if (std::ranges::find(kept, true) == kept.end()) {
    uid_next_ = std::max(uid_next_, parsed.last_uid + 1);
    has_state_ = true;
    TRY(replace_in(control_, "valija-mbox", fmt::format("1 V{} N{} G{} E1\n", uid_validity_, uid_next_, mailbox_id_), Durable::yes));
    was_empty_ = true;
  }
  if (!kept[0] && !parsed.has_pseudo) offset = 0;
  TRY(rewrite_from(offset, text, parsed, kept));
  mark_ = {};
  TRY(sync());
  std::ranges::sort(gone);
  return gone;
}

Result<std::vector<Uid>> Mbox::add(const std::vector<NewMessage>& messages) {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("append", EROFS));
  const auto locked = TRY(lock());
  TRY(sync());
  const std::string text = TRY(read_text());
  MboxText parsed;
  if (!parsed.parse(text)) return base::fail("not an mbox", EINVAL);
  if (messages.size() >= believable_uid_max - uid_next_) return base::fail("no more UIDs", ENOSPC);
  std::vector<Uid> uids;
  std::string end;
  if (!text.empty() && !text.ends_with("\n\n")) end = text.ends_with('\n') ? "\n" : "\n\n";
  const bool is_first_of_all = parsed.messages.empty() && !parsed.has_pseudo;
  const Uid first_uid = uid_next_;
  uid_next_ += static_cast<Uid>(messages.size());
  for (const NewMessage& message : messages) {
    const std::size_t empty_line = message.text.starts_with('\n') ? 0 : std::min(message.text.find("\n\n"), message.text.size() - 1) + 1;
    std::string visible = visible_header(std::string_view(message.text).substr(0, empty_line));
    if (!visible.empty() && !visible.ends_with('\n')) visible += '\n';
    const std::string body = quoted_body(std::string_view(message.text).substr(std::min(empty_line + 1, message.text.size())));
    MboxMessage as_parsed;
    as_parsed.uid = first_uid + static_cast<Uid>(uids.size());
    as_parsed.system = message.flags.system & flag::all;
    as_parsed.keywords = names_of(message.flags.keywords);
    MboxState state = state_of(as_parsed, is_first_of_all && uids.empty());
    state.is_old = false;
    end += message_text(from_line_of("MAILER-DAEMON@" + around_.host, message.date), visible, state, body);
    uids.push_back(as_parsed.uid);
  }
  if (is_first_of_all) {
    // Before a first message is there whose word would count against it.
    TRY(replace_in(control_, "valija-mbox", fmt::format("1 V{} N{} G{} E0\n", uid_validity_, uid_next_, mailbox_id_), Durable::yes));
    was_empty_ = false;
    about_to_change();
    TRY(rewrite_end(file_, 0, end, control_));
  } else {
    // Only for the last UID in the first message.
    const std::vector<bool> kept(parsed.messages.size(), true);
    TRY(rewrite_from(text.size(), text, parsed, kept));
    TRY(rewrite_end(file_, mark_of(file_).size, end, control_));
  }
  mark_ = {};
  TRY(sync());
  return uids;
}

Result<std::unique_ptr<Append>> Mbox::append() {
  if (access_ == Access::read_only) return base::Failure(base::Error::system("append", EROFS));
  return std::make_unique<MboxAppend>(*this);
}

void MboxAppend::finish() {
  if (ends_with_cr_ && !messages_.empty()) messages_.back().text += '\r';
  ends_with_cr_ = false;
}

Result<void> MboxAppend::begin(Flags flags, std::optional<Stamp> internal_date) {
  finish();
  const Stamp date = internal_date.value_or(std::chrono::system_clock::now());
  messages_.push_back({{}, flags, std::chrono::duration_cast<std::chrono::seconds>(date.time_since_epoch()).count()});
  return {};
}

Result<void> MboxAppend::write(std::string_view bytes) {
  size_ += bytes.size();
  if (size_ > append_size_max) return base::Failure(base::Error::system("append", EFBIG));
  std::string& text = messages_.back().text;
  for (const char c : bytes) {
    if (ends_with_cr_ && c != '\n') text += '\r';
    ends_with_cr_ = c == '\r';
    if (c != '\r') text += c;
  }
  return {};
}

Result<std::vector<Uid>> MboxAppend::commit() {
  finish();
  if (messages_.empty()) return std::vector<Uid>{};
  return target_.add(messages_);
}

}  // namespace store
