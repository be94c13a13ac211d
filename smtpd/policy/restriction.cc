#include "smtpd/policy/restriction.h"

#include <array>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/config/restriction_names.h"
#include "lib/maps/unavailable.h"

namespace smtpd::policy {
namespace {

constexpr Row class_row{"", &ask_class, Argument::none, Guard::none};
constexpr Row bare_row{"", &ask_bare_table, Argument::table, Guard::none};

// What Postfix had once, and what it says that should stand there.
struct Removed {
  std::string_view name, instead;
};
constexpr std::array removed{
    Removed{"check_relay_domains", "specify \"reject_unauth_destination\""},
    Removed{"permit_naked_ip_address", "specify \"permit_mynetworks\" or \"permit_sasl_authenticated\""},
    Removed{"reject_maps_rbl", "specify \"reject_rbl_client domain-name\""},
};

About client_of(const Subject& subject) { return {subject.client.name_and_address, "Client host"}; }
About helo_of(const Subject& subject) { return {subject.helo, "Helo command"}; }
About sender_of(const Subject& subject) { return {subject.sender, "Sender address"}; }
About recipient_of(const Subject& subject) { return {subject.recipient, "Recipient address"}; }

// Reads one list. A view of the item that comes next is what those with an argument take.
class Parser {
 public:
  Parser(std::string_view value, const Restrictions::Names& names) : names_(names), words_(config::list_items(value)) {}

  std::vector<Item> run() {
    std::vector<Item> items;
    bool is_warning = false;
    while (at_ < words_.size()) {
      const std::string_view word = words_[at_++];
      if (ascii::equal_ignoring_case(word, "warn_if_reject")) {
        is_warning = true;
        continue;
      }
      items.push_back(read(word));
      items.back().is_warning = std::exchange(is_warning, false);
    }
    return items;
  }

 private:
  Item read(std::string_view word) {
    Item item;
    item.name = word;
    if (const Row* row = find_row(word)) take_argument(item, *row);
    else if (names_.classes != nullptr && names_.classes->contains(word)) item.row = &class_row;
    else if (word.contains(':') && names_.tables != nullptr) take_table(item, bare_row, word);
    else item.flaw = unknown(word);
    return item;
  }

  std::string unknown(std::string_view word) const {
    for (const Removed& one : removed) {
      if (!ascii::equal_ignoring_case(one.name, word)) continue;
      return fmt::format("support for restriction \"{}\" has been removed in Postfix 3.9; instead, {}", one.name, one.instead);
    }
    return fmt::format("unknown smtpd restriction: \"{}\"", word);
  }

  // What stands behind the name, or the name itself where nothing does.
  std::string_view next(std::string_view name) { return at_ < words_.size() ? words_[at_++] : name; }

  void take_argument(Item& item, const Row& row) {
    switch (row.argument) {
      case Argument::none: item.row = &row; return;
      case Argument::table: return take_table(item, row, next(item.name));
      case Argument::certificates: return take_certificate_table(item, row, next(item.name));
      case Argument::number: {
        const std::string_view text = next("");
        item.argument = text;
        if (ascii::parse_number(text)) item.row = &row;
        else item.flaw = fmt::format("restriction {} must be followed by number", row.name);
        return;
      }
      case Argument::domain:
        // One without it matches nothing.
        item.argument = next("");
        item.row = &row;
        return;
      case Argument::service: return take_service(item, row);
    }
  }

  void take_table(Item& item, const Row& row, std::string_view text) {
    if (!text.contains(':') || names_.tables == nullptr) {
      item.flaw = fmt::format("restriction {}: bad argument \"{}\": need maptype:mapname", row.name, text);
      return;
    }
    item.argument = text;
    auto table = names_.tables->open(text, maps::Flags::fold_keys | maps::Flags::utf8);
    // What there is not refuses when it is asked, as a table that cannot be read does.
    if (table) item.table = std::move(*table);
    else item.table = std::make_shared<maps::UnavailableTable>(std::string(text), std::move(table).error());
    item.row = &row;
  }

  void take_certificate_table(Item& item, const Row& row, std::string_view text) {
    auto parsed = parse_certificate_table(text);
    if (!parsed) {
      item.flaw = parsed.error().message();
      return;
    }
    item.certificate_keys = std::move(parsed->order);
    take_table(item, row, parsed->table);
  }

  void take_service(Item& item, const Row& row) {
    const std::string_view text = next("");
    item.argument = text;
    if (names_.make_service != nullptr && text.contains(':')) item.service = names_.make_service(names_.context, text);
    if (item.service) item.row = &row;
    else item.flaw = fmt::format("restriction {} must be followed by transport:server", row.name);
  }

  const Restrictions::Names& names_;
  std::vector<std::string_view> words_;
  std::size_t at_ = 0;
};

}  // namespace

About about(Stage stage, const Subject& subject) {
  switch (stage) {
    case Stage::client: return client_of(subject);
    case Stage::helo: return helo_of(subject);
    case Stage::sender: return sender_of(subject);
    case Stage::relay:
    case Stage::recipient: return recipient_of(subject);
    case Stage::data: return {"DATA", "Data command"};
    case Stage::end_of_data: return {"END-OF-MESSAGE", "End-of-data"};
    case Stage::etrn: break;
  }
  return {subject.etrn_domain, "Etrn command"};
}

Question with(const Question& question, About about) {
  return {question.policy, question.asking, question.stage, question.subject, about, question.item};
}
Question about_client(const Question& question) { return with(question, client_of(question.subject)); }
Question about_helo(const Question& question) { return with(question, helo_of(question.subject)); }
Question about_sender(const Question& question) { return with(question, sender_of(question.subject)); }
Question about_recipient(const Question& question) { return with(question, recipient_of(question.subject)); }

std::string dsn_for(int code, std::string_view dsn) {
  std::string out(dsn);
  if (const int cls = code / 100; cls == 4 || cls == 5) out.front() = static_cast<char>('0' + cls);
  return out;
}

Reply refusal(const Question& question, int code, std::string_view dsn, std::string_view text) {
  return {code, fmt::format("{} <{}>: {} rejected: {}", dsn_for(code, dsn), question.about.name, question.about.what, text)};
}

Restrictions Restrictions::parse(std::string_view value, const Names& names) {
  Restrictions out;
  out.items_ = Parser(value, names).run();
  return out;
}

}  // namespace smtpd::policy
