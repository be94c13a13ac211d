#include "lib/imap/arguments.h"

#include "lib/base/ascii.h"
#include "lib/base/check.h"

namespace imap {

ValueKind Value::kind() const { return tree_->nodes_[place_].kind; }

std::string_view Value::text() const {
  const Arguments::Node& node = tree_->nodes_[place_];
  return std::string_view(tree_->text_).substr(node.offset, node.size);
}

bool Value::is(std::string_view word) const { return is_atom() && ascii::equal_ignoring_case(text(), word); }

std::optional<std::string_view> Value::astring() const {
  if (is_string() || is_atom()) return text();
  return std::nullopt;
}

std::optional<std::string_view> Value::atom() const {
  if (is_atom()) return text();
  return std::nullopt;
}

Values Value::list() const {
  if (!is_list()) return {*tree_, place_, place_};
  return {*tree_, place_ + 1, tree_->nodes_[place_].next};
}

Values::Iterator& Values::Iterator::operator++() {
  place_ = tree_->nodes_[place_].next;
  return *this;
}

std::size_t Values::size() const { return static_cast<std::size_t>(std::distance(begin(), end())); }

std::optional<Value> Values::take() {
  if (empty()) return std::nullopt;
  const Value value = front();
  first_ = tree_->nodes_[first_].next;
  return value;
}

bool Values::take_word(std::string_view word) { return !empty() && front().is(word) && take(); }

std::optional<std::string_view> Values::take_astring() {
  const auto text = empty() ? std::nullopt : front().astring();
  if (text) take();
  return text;
}

std::optional<std::string_view> Values::take_atom() {
  const auto text = empty() ? std::nullopt : front().atom();
  if (text) take();
  return text;
}

std::optional<Values> Values::take_list() {
  if (empty() || !front().is_list()) return std::nullopt;
  return take()->list();
}

Values Arguments::values() const {
  CHECK(open_.empty());
  return {*this, 0, static_cast<std::uint32_t>(nodes_.size())};
}

void Arguments::add(ValueKind kind, std::string_view text) {
  text_ += text;
  add_room(kind, text.size());
}

void Arguments::add_room(ValueKind kind, std::size_t size) {
  CHECK(text_.size() >= size && text_.size() <= UINT32_MAX);
  nodes_.push_back({.next = static_cast<std::uint32_t>(nodes_.size() + 1),
                    .offset = static_cast<std::uint32_t>(text_.size() - size),
                    .size = static_cast<std::uint32_t>(size),
                    .kind = kind});
}

void Arguments::open_list() {
  open_.push_back(static_cast<std::uint32_t>(nodes_.size()));
  add(ValueKind::list, {});
}

void Arguments::close_list() {
  CHECK(!open_.empty());
  nodes_[open_.back()].next = static_cast<std::uint32_t>(nodes_.size());
  open_.pop_back();
}

void Arguments::clear() {
  // Assigning would keep the memory.
  std::vector<Node>().swap(nodes_);
  std::vector<std::uint32_t>().swap(open_);
  std::string().swap(text_);
}

}  // namespace imap
