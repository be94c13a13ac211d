#include "lib/event/stack_pool.h"

#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/check.h"
#include "lib/event/annotate.h"

namespace event {

Stack::Stack(char* map) : map_(map), valgrind_id_(annotate::register_stack(low(), top())) {}

Result<Stack> Stack::map() {
  void* map = ::mmap(nullptr, stack_guard + stack_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                     -1, 0);
  if (map == MAP_FAILED) return base::fail_system("map a stack");
  char* const base = static_cast<char*>(map);
  if (::mprotect(base + stack_guard, stack_size, PROT_READ | PROT_WRITE) != 0) {
    const base::Error error = base::Error::system("open a stack");
    ::munmap(map, stack_guard + stack_size);
    return base::Failure(error);
  }
  return Stack(base);
}

Stack::~Stack() {
  if (map_ == nullptr) return;
  annotate::forget_stack(valgrind_id_);
  ::munmap(map_, stack_guard + stack_size);
}

void Stack::trim(const void* used_from) const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto end = reinterpret_cast<std::uintptr_t>(used_from) & ~(page - 1);
  const auto begin = reinterpret_cast<std::uintptr_t>(low());
  CHECK(end >= begin);
  if (end > begin) ::madvise(low(), end - begin, MADV_DONTNEED);
}

Result<Stack> StackPool::take() {
  if (hot_.empty()) return Stack::map();
  Stack stack = std::move(hot_.back());
  hot_.pop_back();
  return stack;
}

void StackPool::give(Stack stack) {
  if (hot_.size() < hot_stacks_limit) hot_.push_back(std::move(stack));
}

}  // namespace event
