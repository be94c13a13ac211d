#pragma once
// Variable envelope return paths: a sender that names its one recipient, so that a list owner knows whom a notice is about.

#include <string>
#include <string_view>

namespace mail {

// "list@a" to "user@b" with "+=" gives "list+user=b@a", all in internal form. `delimiters`: the two characters of a queue
// file's V record; the sender as it is when there are not two, or when the sender is the null sender.
[[nodiscard]] std::string verp_sender(std::string_view delimiters, std::string_view sender, std::string_view recipient);

}  // namespace mail
