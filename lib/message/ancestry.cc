#include "lib/message/ancestry.h"

namespace message {

std::uint32_t Ancestry::add() {
  nodes_.emplace_back();
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

bool Ancestry::link(std::uint32_t node, std::uint32_t parent) {
  if (node == parent || root(parent) == node) return false;
  access(node);
  nodes_[node].up = parent;
  nodes_[node].parent = parent;
  return true;
}

void Ancestry::cut(std::uint32_t node) {
  if (nodes_[node].parent == none) return;
  access(node);
  nodes_[nodes_[node].above].up = none;
  nodes_[node].above = none;
  nodes_[node].parent = none;
}

// Of its path's tree.
bool Ancestry::is_top(std::uint32_t node) const {
  const std::uint32_t up = nodes_[node].up;
  return up == none || (nodes_[up].above != node && nodes_[up].below != node);
}

void Ancestry::rotate(std::uint32_t node) {
  const std::uint32_t up = nodes_[node].up, over = nodes_[up].up;
  if (!is_top(up)) (nodes_[over].above == up ? nodes_[over].above : nodes_[over].below) = node;
  const bool is_above = nodes_[up].above == node;
  std::uint32_t& inner = is_above ? nodes_[node].below : nodes_[node].above;
  (is_above ? nodes_[up].above : nodes_[up].below) = inner;
  if (inner != none) nodes_[inner].up = up;
  inner = up;
  nodes_[up].up = node;
  nodes_[node].up = over;
}

void Ancestry::splay(std::uint32_t node) {
  while (!is_top(node)) {
    const std::uint32_t up = nodes_[node].up;
    if (!is_top(up)) {
      const bool is_straight = (nodes_[nodes_[up].up].above == up) == (nodes_[up].above == node);
      rotate(is_straight ? up : node);
    }
    rotate(node);
  }
}

// Makes the way from the root to the node one path, with the node on top and none below it.
void Ancestry::access(std::uint32_t node) {
  std::uint32_t last = none;
  for (std::uint32_t at = node; at != none; at = nodes_[at].up) {
    splay(at);
    nodes_[at].below = last;
    last = at;
  }
  splay(node);
}

std::uint32_t Ancestry::root(std::uint32_t node) {
  access(node);
  while (nodes_[node].above != none) node = nodes_[node].above;
  splay(node);
  return node;
}

}  // namespace message
