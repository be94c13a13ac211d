#include "lib/store/subscriptions.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/mail/modified_utf7.h"
#include "lib/store/courier.h"
#include "lib/store/folder.h"
#include "lib/store/names.h"

namespace store {
namespace {

constexpr std::size_t file_size_max = 16 * 1024 * 1024;
constexpr std::size_t subscriptions_max = 100'000;
constexpr std::string_view head = "V\t2\n\n";

Place place_of(const Location& location) {
  Place place = places_of(inbox_name, location).roots;
  place.below.clear();
  return place;
}

std::string file_of(const Location& location) {
  return location.kind == Location::Kind::mbox && location.control.empty() ? ".subscriptions" : "subscriptions";
}

std::string encode(std::string_view name, const Location& location) { return location.utf8_names ? std::string(name) : mail::encode_modified_utf7(name); }

// As the files have it, or as it would be in the other encoding.
std::string decode(std::string_view text, const Location& location) {
  if (!location.utf8_names) {
    if (auto name = mail::decode_modified_utf7(text)) return *name;
  }
  return !text.contains('\0') && base::is_utf8(text) ? std::string(text) : std::string();
}

}  // namespace

SubscriptionFile SubscriptionFile::parse(std::string_view text) {
  SubscriptionFile file;
  file.has_tabs = text.starts_with(head);
  if (file.has_tabs) text.remove_prefix(head.size());
  for (const std::string_view line : ascii::split(text, "\n")) {
    if (file.lines.size() < subscriptions_max) file.lines.emplace_back(line);
  }
  return file;
}

SubscriptionFile SubscriptionFile::from_courier(std::string_view text, const Location& location) {
  SubscriptionFile file;
  for (std::string_view line : ascii::split(text, "\r\n")) {
    std::string name = decode(line, location);
    if (name.empty()) continue;
    if (ascii::starts_with_ignoring_case(name, "INBOX.")) name.erase(0, 6);
    if (location.separator() != '.') std::ranges::replace(name, '.', location.separator());
    file.lines.push_back(file.line_of(canonical_name(name, location.separator()), location));
  }
  return file;
}

std::string SubscriptionFile::text() const {
  std::string out(has_tabs ? head : std::string_view());
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string SubscriptionFile::line_of(std::string_view name, const Location& location) const {
  std::string line = encode(name, location);
  if (has_tabs) std::ranges::replace(line, location.separator(), '\t');
  return line;
}

std::string SubscriptionFile::name_of(std::string_view line, const Location& location) const {
  std::string text(line);
  if (has_tabs) std::ranges::replace(text, '\t', location.separator());
  return canonical_name(decode(text, location), location.separator());
}

namespace {

Result<SubscriptionFile> read_file(const Fd& directory, const Location& location) {
  if (const auto text = TRY(read_in(directory, file_of(location), file_size_max))) return SubscriptionFile::parse(*text);
  if (location.kind == Location::Kind::maildir) {
    const auto root = open_directory({location.root, {}});
    const auto text = root ? read_in(*root, courier_subscriptions_file, file_size_max) : std::optional<std::string>();
    if (text && *text) return SubscriptionFile::from_courier(**text, location);
  }
  return SubscriptionFile{};
}

}  // namespace

Result<std::vector<std::string>> Subscriptions::names() const {
  const auto directory = open_directory(place_of(location_));
  if (!directory && directory.error().code() == ENOENT) return std::vector<std::string>{};
  if (!directory) return base::Failure(directory.error());
  const SubscriptionFile file = TRY(read_file(*directory, location_));
  std::vector<std::string> names;
  for (const std::string& line : file.lines) {
    std::string name = file.name_of(line, location_);
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

Result<void> Subscriptions::change(std::string_view name, Change how) const {
  const Fd directory = TRY(make_directory(place_of(location_)));
  const std::string file_name = file_of(location_);
  const auto lock = mailbox::Dotlock::acquire(fmt::format("/proc/self/fd/{}/{}", directory.get(), file_name), around_.self, lock_patience, file_name);
  if (!lock) return base::Failure(base::Error(lock.error().message(), lock.error().code() == EEXIST ? EAGAIN : lock.error().code()));
  SubscriptionFile file = TRY(read_file(directory, location_));
  const auto found = std::ranges::find_if(file.lines, [&](const std::string& line) { return file.name_of(line, location_) == name; });
  if ((found != file.lines.end()) == (how == Change::add)) return {};
  if (how == Change::add) {
    if (file.lines.size() >= subscriptions_max) return base::fail("too many subscriptions", ENOSPC);
    file.lines.push_back(file.line_of(name, location_));
  } else {
    file.lines.erase(found);
  }
  return replace_in(directory, file_name, file.text(), Durable::yes);
}

}  // namespace store
