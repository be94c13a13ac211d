#pragma once
// Which tree of a forest is a node in? Links are made and broken all the time, and trees may be as deep as they like: each question
// takes logarithmic time on average (Sleator and Tarjan's link-cut trees, without turning them round).

#include <cstddef>
#include <cstdint>
#include <vector>

namespace message {

class Ancestry {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  // A node without parent.
  std::uint32_t add();
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::uint32_t parent(std::uint32_t node) const { return nodes_[node].parent; }
  // False, and nothing happens, when the node would be its own ancestor. It must have no parent.
  bool link(std::uint32_t node, std::uint32_t parent);
  // Leaves the node without parent.
  void cut(std::uint32_t node);

 private:
  struct Node {
    std::uint32_t parent = none;
    // The path of which the node is part, as a tree in order of depth: `up` leads out of it too, to the parent of its top.
    std::uint32_t up = none, above = none, below = none;
  };
  [[nodiscard]] bool is_top(std::uint32_t node) const;
  void rotate(std::uint32_t node);
  void splay(std::uint32_t node);
  void access(std::uint32_t node);
  std::uint32_t root(std::uint32_t node);

  std::vector<Node> nodes_;
};

}  // namespace message
