#pragma once
// The files below a directory of the queue.

#include <functional>
#include <string>

#include <sys/stat.h>

namespace postsuper {

struct FoundFile {
  std::string path, name;
  struct stat status;
};

// Calls `file` for each regular file below `directory` ("deferred/") whose name has no dot in front. Links are not followed, and a
// file that goes meanwhile is passed over. `left` is told of each directory within, and how deep it is (0: just below), after all
// that is in it.
void walk(const std::string& directory, const std::function<void(FoundFile)>& file,
          const std::function<void(const std::string& directory, int depth)>& left = {});

}  // namespace postsuper
