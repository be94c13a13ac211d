#include "lib/message/thread.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/message/ancestry.h"
#include "lib/message/base_subject.h"
#include "lib/message/fields.h"
#include "lib/message/message_ids.h"
#include "lib/message/sent_date.h"

namespace message {
namespace {

constexpr std::uint32_t none = ThreadForest::none;
using Nodes = std::vector<std::uint32_t>;

// A message, or the place of one.
struct Node {
  const ThreadMessage* message = nullptr;
  Nodes children;
};

class References {
 public:
  References(std::span<const ThreadMessage> messages, ThreadAlgorithm algorithm) : messages_(messages), algorithm_(algorithm) {}

  ThreadForest run() {
    link_all();
    prune();
    sort_children();
    if (algorithm_ == ThreadAlgorithm::refs) {
      sort_roots_by_latest();
    } else {
      sort(roots_);
      merge_subjects();
      sort_children();
      sort(roots_);
    }
    return forest();
  }

 private:
  // Step 1: parents as the references tell them, in the mailbox's order. A later message does not change a parent, but its own.
  void link_all() {
    for (const ThreadMessage& message : messages_) {
      const std::uint32_t own = own_node(message);
      std::uint32_t before = none;
      for (const std::string& reference : message.references) {
        const std::uint32_t node = node_of(reference);
        if (before != none && ancestry_.parent(node) == Ancestry::none) ancestry_.link(node, before);
        before = node;
      }
      ancestry_.cut(own);
      if (before != none) ancestry_.link(own, before);
    }
  }

  std::uint32_t node_of(const std::string& id) {
    const auto [found, is_new] = by_id_.try_emplace(id, static_cast<std::uint32_t>(nodes_.size()));
    return is_new ? add_node() : found->second;
  }

  std::uint32_t add_node() {
    nodes_.emplace_back();
    return ancestry_.add();
  }

  // Of two messages with the same identifier it is the first one's.
  std::uint32_t own_node(const ThreadMessage& message) {
    std::uint32_t node = message.message_id.empty() ? add_node() : node_of(message.message_id);
    if (nodes_[node].message != nullptr) node = add_node();
    nodes_[node].message = &message;
    return node;
  }

  // Steps 2 and 3: what is no message goes, and its children go up; only at the top one stays that holds several.
  void prune() {
    // Nearest message above each node, or the top of its tree.
    Nodes nearest(nodes_.size(), none), way;
    for (std::uint32_t start = 0; start < nodes_.size(); ++start) {
      for (std::uint32_t at = start; at != none && nearest[at] == none; at = ancestry_.parent(at)) way.push_back(at);
      for (; !way.empty(); way.pop_back()) {
        const std::uint32_t parent = ancestry_.parent(way.back());
        const bool is_below_top = parent != none && nodes_[parent].message == nullptr;
        nearest[way.back()] = parent == none ? way.back() : is_below_top ? nearest[parent] : parent;
      }
    }
    for (std::uint32_t node = 0; node < nodes_.size(); ++node)
      if (nodes_[node].message != nullptr && nearest[node] != node) nodes_[nearest[node]].children.push_back(node);
    for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
      if (nearest[node] != node) continue;
      if (nodes_[node].message != nullptr || nodes_[node].children.size() > 1) roots_.push_back(node);
      else if (!nodes_[node].children.empty()) roots_.push_back(nodes_[node].children.front());
    }
  }

  // What stands for a node that is no message: its first child.
  [[nodiscard]] const ThreadMessage& representative(std::uint32_t node) const {
    while (nodes_[node].message == nullptr) node = nodes_[node].children.front();
    return *nodes_[node].message;
  }

  void sort(Nodes& nodes) const {
    std::ranges::sort(nodes, {}, [&](std::uint32_t node) {
      const ThreadMessage& message = representative(node);
      return std::tuple(message.sent, &message);
    });
  }

  void sort_children() {
    for (Node& node : nodes_) sort(node.children);
  }

  // REFS: by the youngest message of each tree.
  void sort_roots_by_latest() {
    std::vector<std::pair<std::pair<std::chrono::sys_seconds, const ThreadMessage*>, std::uint32_t>> keys;
    Nodes left;
    for (const std::uint32_t root : roots_) {
      const ThreadMessage& first = representative(root);
      auto latest = std::pair(first.sent, &first);
      for (left.assign(1, root); !left.empty();) {
        const Node& node = nodes_[left.back()];
        left.pop_back();
        if (node.message != nullptr) latest = std::max(latest, std::pair(node.message->sent, node.message));
        left.insert(left.end(), node.children.begin(), node.children.end());
      }
      keys.emplace_back(latest, root);
    }
    std::ranges::sort(keys);
    std::ranges::transform(keys, roots_.begin(), [](const auto& key) { return key.second; });
  }

  // Step 5: trees of the same subject become one.
  void merge_subjects() {
    std::unordered_map<std::string_view, std::uint32_t> table;  // to a root
    for (const std::uint32_t root : roots_) {
      const ThreadMessage& message = representative(root);
      if (message.base_subject.empty()) continue;
      const auto [found, is_new] = table.try_emplace(message.base_subject, root);
      if (is_new) continue;
      const bool is_better = is_dummy(root) || (representative(found->second).is_reply && !message.is_reply);
      if (!is_dummy(found->second) && is_better) found->second = root;
    }
    std::vector<bool> is_gone(nodes_.size(), false);
    Nodes places(nodes_.size(), none);  // new nodes that took the place of old ones
    for (const std::uint32_t root : Nodes(roots_)) {
      const ThreadMessage& message = representative(root);
      const auto found = table.find(message.base_subject);
      if (found == table.end() || found->second == root || places[root] == found->second) continue;
      const std::uint32_t other = found->second;
      is_gone[root] = true;
      if (is_dummy(root) && is_dummy(other)) {
        const Nodes children = std::exchange(nodes_[root].children, {});
        nodes_[other].children.insert(nodes_[other].children.end(), children.begin(), children.end());
      } else if (is_dummy(other) || (message.is_reply && !representative(other).is_reply)) {
        nodes_[other].children.push_back(root);
      } else {
        nodes_.emplace_back().children = {other, root};
        found->second = places[other] = static_cast<std::uint32_t>(nodes_.size() - 1);
      }
    }
    for (std::uint32_t& root : roots_)
      if (places[root] != none) root = places[root];
    std::erase_if(roots_, [&](std::uint32_t root) { return root < is_gone.size() && is_gone[root]; });
  }

  [[nodiscard]] bool is_dummy(std::uint32_t node) const { return nodes_[node].message == nullptr; }

  ThreadForest forest() const {
    ThreadForest forest;
    forest.nodes.resize(nodes_.size());
    const auto chain = [&](const Nodes& nodes) {
      for (std::size_t i = 0; i + 1 < nodes.size(); ++i) forest.nodes[nodes[i]].next = nodes[i + 1];
      return nodes.empty() ? none : nodes.front();
    };
    forest.first = chain(roots_);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].message != nullptr) forest.nodes[i].number = nodes_[i].message->number;
      forest.nodes[i].child = chain(nodes_[i].children);
    }
    return forest;
  }

  std::span<const ThreadMessage> messages_;
  ThreadAlgorithm algorithm_;
  std::vector<Node> nodes_;
  Ancestry ancestry_;                                         // of the same nodes
  std::unordered_map<std::string_view, std::uint32_t> by_id_;
  Nodes roots_;
};

// The first of each subject, with the others below it.
ThreadForest order_by_subject(std::span<const ThreadMessage> messages) {
  Nodes order(messages.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(messages[i].sent, i); });
  ThreadForest forest;
  forest.nodes.resize(messages.size());
  struct Thread {
    std::uint32_t first, last_child;
  };
  std::unordered_map<std::string_view, Thread> threads;
  std::uint32_t last = none;
  for (const std::uint32_t i : order) {
    forest.nodes[i].number = messages[i].number;
    const auto [found, is_new] = threads.try_emplace(messages[i].base_subject, Thread{i, none});
    Thread& thread = found->second;
    if (is_new) {
      (last == none ? forest.first : forest.nodes[last].next) = i;
      last = i;
    } else {
      (thread.last_child == none ? forest.nodes[thread.first].child : forest.nodes[thread.last_child].next) = i;
      thread.last_child = i;
    }
  }
  return forest;
}

}  // namespace

ThreadMessage thread_message(std::uint32_t number, std::string_view header, std::chrono::sys_seconds arrived) {
  ThreadMessage message{.number = number, .message_id = {}, .references = {}, .base_subject = {}, .is_reply = false, .sent = arrived};
  // Of several fields of a name the first counts.
  if (const auto field = find_field(header, "Message-ID")) message.message_id = first_message_id(*field);
  if (const auto field = find_field(header, "References")) message.references = message_ids(*field);
  if (const auto field = find_field(header, "In-Reply-To"); field && message.references.empty()) {
    if (std::string id = first_message_id(*field); !id.empty()) message.references.push_back(std::move(id));
  }
  if (const auto field = find_field(header, "Subject")) {
    BaseSubject subject = base_subject(*field);
    message.base_subject = std::move(subject.text);
    message.is_reply = subject.is_reply;
  }
  if (const auto field = find_field(header, "Date")) {
    if (const auto date = parse_sent_date(*field)) message.sent = date->time;
  }
  return message;
}

std::optional<ThreadAlgorithm> thread_algorithm(std::string_view name) {
  using enum ThreadAlgorithm;
  for (const auto& [known, algorithm] : {std::pair{"ORDEREDSUBJECT", orderedsubject}, std::pair{"REFERENCES", references}, std::pair{"REFS", refs}})
    if (ascii::equal_ignoring_case(name, known)) return algorithm;
  return std::nullopt;
}

ThreadForest make_threads(std::span<const ThreadMessage> messages, ThreadAlgorithm algorithm) {
  if (algorithm == ThreadAlgorithm::orderedsubject) return order_by_subject(messages);
  return References(messages, algorithm).run();
}

void append_threads(std::string& out, const ThreadForest& forest) {
  // What is still to be written behind a thread's end: its brother, or the end of the one around it.
  Nodes left;
  std::uint32_t at = forest.first;
  while (at != none || !left.empty()) {
    if (at == none) {
      out += ')';
      at = forest.nodes[left.back()].next;
      left.pop_back();
      continue;
    }
    out += '(';
    left.push_back(at);
    // One child after the other, as long as there is but one.
    for (bool is_first = true;; is_first = false) {
      const ThreadForest::Node& node = forest.nodes[at];
      if (!is_first) out += ' ';
      if (node.number != 0) fmt::format_to(std::back_inserter(out), "{}", node.number);
      at = node.child;
      if (at == none) break;
      if (forest.nodes[at].next != none) {
        if (node.number != 0) out += ' ';
        break;
      }
    }
  }
}

}  // namespace message
