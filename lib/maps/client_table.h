#pragma once
// A table whose answers a module's client gets from a server or a database: which keys are asked, of which server, on
// which session, and what the answer becomes. The client's calls block, so they are made on the offload pool.

#include <memory>
#include <vector>

#include "lib/maps/module.h"
#include "lib/maps/registry.h"

namespace event {
class Semaphore;
}

namespace maps {

inline constexpr std::size_t client_threads_limit = 8;              // of the pool's threads that wait for servers, per process
inline constexpr std::size_t client_result_limit = 4 * 1024 * 1024;  // bytes of one answer

// `slots` are those of the process, for what blocks; it must outlive the table.
[[nodiscard]] OpenResult open_client_table(const OpenRequest& request, const module::Module& module, event::Semaphore& slots);

}  // namespace maps
