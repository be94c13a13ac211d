#pragma once
// dont_remove: files that are done with are kept in saved/, for people to look at with postcat(1).

#include <string>

#include "lib/queue/layout.h"

namespace queue {

// What becomes of a file that is done with.
enum class Remains { removed, saved };
[[nodiscard]] inline Remains remains_of(int dont_remove) { return dont_remove == 0 ? Remains::removed : Remains::saved; }

// Removes the file, or moves it to saved/. Ok also when it is not there.
[[nodiscard]] Result<void> dispose(const Layout& layout, Queue queue, const QueueId& id, Remains remains);

// Moves a file to saved/ID, or ID+, ID++ and so on where a log or an earlier message of that id is there already. Ok also
// when it is not there.
[[nodiscard]] Result<void> save(const Layout& layout, const std::string& file, const QueueId& id);

}  // namespace queue
