#pragma once
// The arguments of a command as a tree (RFC 9051 section 9: atoms, strings and parenthesised lists), in two flat pieces of
// memory: 16 bytes for each value and the text. A nested list costs no recursion and no memory of its own.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imap {

class Arguments;
class Values;

enum class ValueKind : std::uint8_t { atom, quoted, literal, literal8, list };

// One argument. A view: it lives as long as its Arguments, which must not change meanwhile.
class Value {
 public:
  [[nodiscard]] ValueKind kind() const;
  [[nodiscard]] bool is_list() const { return kind() == ValueKind::list; }
  [[nodiscard]] bool is_atom() const { return kind() == ValueKind::atom; }   // NIL too
  [[nodiscard]] bool is_nil() const { return is("NIL"); }
  [[nodiscard]] bool is_string() const { return kind() == ValueKind::quoted || kind() == ValueKind::literal; }
  // An atom that is this word in any case.
  [[nodiscard]] bool is(std::string_view word) const;

  // Without quotes and backslashes; of a literal its bytes. Empty for a list.
  [[nodiscard]] std::string_view text() const;
  // The text of an atom (NIL is one, as for Dovecot) or of a string, but not literal8; none for everything else.
  [[nodiscard]] std::optional<std::string_view> astring() const;
  // The text of an atom.
  [[nodiscard]] std::optional<std::string_view> atom() const;
  // What is in the list; empty for everything else.
  [[nodiscard]] Values list() const;

 private:
  friend class Values;
  Value(const Arguments& tree, std::uint32_t place) : tree_(&tree), place_(place) {}
  const Arguments* tree_;
  std::uint32_t place_;
};

// Values side by side: all arguments, or what is in a list. A view, cheap to copy; parsers take from its front.
class Values {
 public:
  class Iterator {
   public:
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    Iterator() = default;
    Value operator*() const { return {*tree_, place_}; }
    Iterator& operator++();
    Iterator operator++(int) { Iterator old = *this; ++*this; return old; }
    bool operator==(const Iterator& other) const { return place_ == other.place_; }

   private:
    friend class Values;
    Iterator(const Arguments& tree, std::uint32_t place) : tree_(&tree), place_(place) {}
    const Arguments* tree_ = nullptr;
    std::uint32_t place_ = 0;
  };

  [[nodiscard]] Iterator begin() const { return {*tree_, first_}; }
  [[nodiscard]] Iterator end() const { return {*tree_, end_}; }
  [[nodiscard]] bool empty() const { return first_ == end_; }
  [[nodiscard]] std::size_t size() const;           // counts
  [[nodiscard]] Value front() const { return {*tree_, first_}; }  // not of an empty one
  // The first value, which is taken off; none when there is no more.
  std::optional<Value> take();
  // take() if the first value is this atom in any case.
  bool take_word(std::string_view word);
  // take() of what Value::astring and Value::atom say; nothing is taken when the first value is something else.
  std::optional<std::string_view> take_astring();
  std::optional<std::string_view> take_atom();
  // take() of a list's content.
  std::optional<Values> take_list();

 private:
  friend class Value;
  friend class Arguments;
  Values(const Arguments& tree, std::uint32_t first, std::uint32_t end) : tree_(&tree), first_(first), end_(end) {}
  const Arguments* tree_;
  std::uint32_t first_, end_;
};

class Arguments {
 public:
  [[nodiscard]] Values values() const;
  [[nodiscard]] std::size_t count() const { return nodes_.size(); }   // lists and all that is in them
  [[nodiscard]] std::size_t text_size() const { return text_.size(); }

  // Building: depth first, as the text has it.
  void add(ValueKind kind, std::string_view text);
  void open_list();
  void close_list();                                    // CHECKs that one is open
  [[nodiscard]] std::size_t depth() const { return open_.size(); }
  // Room for a literal at the end of the text, to be filled and then given to add_room.
  [[nodiscard]] std::string& text() { return text_; }
  void add_room(ValueKind kind, std::size_t size);      // a value of the last `size` bytes of text()
  void clear();                                         // also gives back memory

 private:
  friend class Value;
  friend class Values;
  struct Node {
    std::uint32_t next;     // the place behind this value and all that is in it
    std::uint32_t offset;
    std::uint32_t size;
    ValueKind kind;
  };
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> open_;
  std::string text_;
};

}  // namespace imap
