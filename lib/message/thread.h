#pragma once
// THREAD (RFC 5256; REFS is a later draft's): messages put into trees. n log n in messages and references, and no recursion, whatever
// chains and cycles the references make.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace message {

struct ThreadMessage {
  std::uint32_t number = 0;             // what is shown: a UID or a sequence number; not 0
  std::string message_id;               // without angle brackets; empty for none
  std::vector<std::string> references;  // References' identifiers, or else the first of In-Reply-To
  std::string base_subject;
  bool is_reply = false;                // base_subject() has taken a "Re:" or "Fwd:" away
  std::chrono::sys_seconds sent;        // Date, or INTERNALDATE where that is no date
};
// From a message's header; `arrived` is its INTERNALDATE.
[[nodiscard]] ThreadMessage thread_message(std::uint32_t number, std::string_view header, std::chrono::sys_seconds arrived);

enum class ThreadAlgorithm : std::uint8_t { orderedsubject, references, refs };
// "ORDEREDSUBJECT", any case.
[[nodiscard]] std::optional<ThreadAlgorithm> thread_algorithm(std::string_view name);

// Trees in the order in which they are shown. `messages` in the mailbox's order.
struct ThreadForest {
  static constexpr std::uint32_t none = UINT32_MAX;
  struct Node {
    std::uint32_t number = 0;            // 0: a message that is not there, of which others are known
    std::uint32_t child = none, next = none;
  };
  std::vector<Node> nodes;
  std::uint32_t first = none;
};
[[nodiscard]] ThreadForest make_threads(std::span<const ThreadMessage> messages, ThreadAlgorithm algorithm);

// "(1 2)(3 (4)(5 6))"
void append_threads(std::string& out, const ThreadForest& forest);

}  // namespace message
