// Mailboxes: files that others write, and names that clients say.

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/check.h"
#include "lib/mail/modified_utf7.h"
#include "lib/store/courier.h"
#include "lib/store/file_name.h"
#include "lib/store/index_file.h"
#include "lib/store/keyword_files.h"
#include "lib/store/mbox_parse.h"
#include "lib/store/names.h"
#include "lib/store/subscriptions.h"
#include "lib/store/uidlist.h"
#include "test/fuzz/target.h"

namespace fuzz {
namespace {

constexpr std::uint32_t row_size = 40;

// A directory for the index, which goes away with the process.
const Fd& index_directory() {
  static const Fd directory = [] {
    std::string name = "/tmp/valija-fuzz-XXXXXX";
    CHECK(::mkdtemp(name.data()) != nullptr);
    static std::string path;
    path = name;
    ::atexit([] { ::rmdir(path.c_str()); });
    return Fd(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }();
  return directory;
}

}  // namespace

void uidlist(std::string_view data) {
  const auto list = store::Uidlist::parse(std::string(data));
  if (list) {
    std::uint32_t last = 0;
    for (const store::UidlistLine& line : list->lines) {
      CHECK(line.uid > last);
      CHECK(line.name.find('/') == std::string_view::npos);
      CHECK(!line.name.empty());
      last = line.uid;
    }
    CHECK(list->next > last);
    // What is written anew is read as the same.
    std::string text = list->header();
    for (const store::UidlistLine& line : list->lines) store::Uidlist::append_line(text, line.uid, line.fields, line.name);
    const auto again = store::Uidlist::parse(text);
    CHECK(again.has_value());
    CHECK(again->validity == list->validity);
    CHECK(again->lines.size() == list->lines.size());
    CHECK(again->whole);
  }
  store::KeywordFiles keywords;
  keywords.parse_letters(data);
  keywords.parse_more(data, 1);
  CHECK(keywords.names.size() <= store::keywords_max);
  const store::FileName name = store::FileName::split(data);
  const std::string renamed = store::file_name(name.base, name.flags(), name.info);
  CHECK(store::FileName::split(renamed).flags() == name.flags());
}

void courier(std::string_view data) {
  // What becomes a field of dovecot-uidlist is read there as it was.
  for (const auto& [base, uidl] : store::courier_uidls(data)) {
    std::string text = "3 V1 N2\n";
    store::Uidlist::append_line(text, 1, "P" + uidl, "1.a.h");
    const auto list = store::Uidlist::parse(text);
    CHECK(list.has_value());
    CHECK(list->lines.size() == 1);
    CHECK(store::field(list->lines[0].fields, 'P') == uidl);
  }
  store::CourierKeywords keywords;
  keywords.add_list(data);
  keywords.set_message("1.a.h", data);
  for (const std::string& name : keywords.names()) {
    CHECK(!name.empty());
    CHECK(name.find_first_of(" \"%()*\\]{") == std::string::npos);
  }
  for (const auto& [base, numbers] : keywords.messages()) {
    for (const std::size_t number : numbers) CHECK(number < keywords.names().size());
  }
}

void mbox(std::string_view data) {
  store::MboxText parsed;
  if (!parsed.parse(data)) return;
  std::uint64_t at = 0;
  for (const store::MboxMessage& message : parsed.messages) {
    CHECK(message.begin >= at);
    CHECK(message.begin < message.header || message.header == data.size());
    CHECK(message.header <= message.body);
    CHECK(message.body <= message.end);
    CHECK(message.end <= message.next);
    CHECK(message.next <= data.size());
    at = message.next;
    static_cast<void>(store::visible_header(data.substr(message.header, message.body - message.header)));
  }
  const std::string quoted = store::quoted_body(data);
  CHECK(quoted.size() >= data.size());
}

void mail_index(std::string_view data) {
  const Fd file(::openat(index_directory().get(), std::string(store::index_name).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  CHECK(::write(file.get(), data.data(), data.size()) == static_cast<ssize_t>(data.size()));
  store::IndexContent content;
  const auto index = store::IndexFile::load(index_directory(), row_size, content);
  if (index) static_cast<void>(index->rows());
  ::unlinkat(index_directory().get(), std::string(store::index_name).c_str(), 0);
}

void mailbox_name(std::string_view data) {
  if (const auto name = mail::decode_modified_utf7(data)) CHECK(mail::encode_modified_utf7(*name) == data);
  store::Location location;
  for (const auto layout : {store::Location::Layout::fs, store::Location::Layout::maildir_plus_plus}) {
    location.layout = layout;
    if (!store::check_name(data, location)) continue;
    const std::string on_disk = store::disk_name(data, location);
    CHECK(on_disk.find("/..") == std::string::npos);
    CHECK(!on_disk.starts_with(".."));
    CHECK(!on_disk.starts_with('/'));
    CHECK(store::name_of(on_disk, location) == std::string(data));
  }
  const auto file = store::SubscriptionFile::parse(data);
  for (const std::string& line : file.lines) static_cast<void>(file.name_of(line, location));
}

}  // namespace fuzz
