#include "postscreen/access_list.h"

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/maps/list.h"

namespace postscreen {
namespace {

constexpr std::string_view parameter = "postscreen_access_list";

void give_up(std::string_view where, std::string_view what) {
  maillog::warning("{}: {} -- ignoring the remainder of this access list", where, what);
}

}  // namespace

Result<AccessList> AccessList::open(maps::Tables& tables, std::string_view value, std::string_view mynetworks) {
  AccessList list;
  for (const std::string_view text : maps::split_list(value)) {
    Item item;
    if (text.contains(':')) item.table = TRY(tables.open(text, maps::Flags::fold_keys));
    else item.word = text;
    list.items_.push_back(std::move(item));
  }
  list.networks_ = TRY(maps::MatchList::parse(tables, "mynetworks", mynetworks, maps::ListKind::address, false));
  return list;
}

// None: it is none of the words.
std::optional<Access> AccessList::meaning_of(std::string_view word, const std::string& address) const {
  if (ascii::equal_ignoring_case(word, "permit")) return Access::permit;
  if (ascii::equal_ignoring_case(word, "reject")) return Access::reject;
  if (ascii::equal_ignoring_case(word, "dunno")) return Access::dunno;
  if (!ascii::equal_ignoring_case(word, "permit_mynetworks")) return std::nullopt;
  const auto is_mine = networks_.matches(address);
  if (!is_mine) maillog::warning("{}", is_mine.error().message());
  return is_mine.value_or(false) ? Access::permit : Access::dunno;
}

Access AccessList::decide(const std::string& address) const {
  for (const Item& item : items_) {
    std::string word = item.word;
    if (item.table) {
      auto found = item.table->lookup(address);
      if (!found) {
        give_up(parameter, item.table->name() + ": table lookup error");
        return Access::dunno;
      }
      if (!*found) continue;
      word = std::move(**found);
    }
    const auto meaning = meaning_of(word, address);
    if (!meaning) {
      give_up(item.table ? item.table->name() : parameter, "unknown command: " + word);
      return Access::dunno;
    }
    // As a word of the list itself dunno ends it; a table's goes on.
    if (*meaning != Access::dunno || ascii::equal_ignoring_case(item.word, "dunno")) return *meaning;
  }
  return Access::dunno;
}

}  // namespace postscreen
