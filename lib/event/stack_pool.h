#pragma once
// Stacks for fibers: mapped on demand, guarded below, reused. A stack is reserved address space; only the pages that
// were touched cost memory. The guard is wider than a page, because libraries are not built to probe their frames.

#include <cstddef>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/event/sanitizers.h"

namespace event {

inline constexpr std::size_t stack_size = (is_sanitized ? 256 : 128) * 1024;
inline constexpr std::size_t stack_guard = 64 * 1024;
inline constexpr std::size_t hot_stacks_limit = 64;  // kept by a pool with their pages; more are unmapped

// One mapped stack. Move-only; unmaps on destruction.
class Stack {
 public:
  // Fails with ENOMEM when address space, memory or maps (vm.max_map_count) run out.
  static Result<Stack> map();
  Stack() = default;
  Stack(Stack&& other) noexcept : map_(std::exchange(other.map_, nullptr)), valgrind_id_(other.valgrind_id_) {}
  Stack& operator=(Stack&& other) noexcept {
    std::swap(map_, other.map_);
    std::swap(valgrind_id_, other.valgrind_id_);
    return *this;
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack();

  [[nodiscard]] explicit operator bool() const { return map_ != nullptr; }
  // The usable part: lowest address and size.
  [[nodiscard]] char* low() const { return map_ + stack_guard; }
  [[nodiscard]] char* top() const { return low() + stack_size; }
  [[nodiscard]] bool guards(const void* address) const {
    return address >= map_ && address < static_cast<const void*>(low());
  }
  // Gives the pages below `used_from` back to the system; what lies above stays.
  void trim(const void* used_from) const;

 private:
  explicit Stack(char* map);
  char* map_ = nullptr;  // the guard's lowest address
  unsigned valgrind_id_ = 0;
};

class StackPool {
 public:
  [[nodiscard]] Result<Stack> take();
  void give(Stack stack);

 private:
  std::vector<Stack> hot_;
};

}  // namespace event
