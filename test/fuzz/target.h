#pragma once
// What is fuzzed: each target takes any bytes and must neither crash, hang nor break what it promises (CHECK).

#include <span>
#include <string_view>

namespace fuzz {

struct Target {
  std::string_view name;   // and that of its folder in corpus/
  void (*run)(std::string_view data);
};

[[nodiscard]] std::span<const Target> targets();

void command(std::string_view data);       // a line of SMTP
void address(std::string_view data);       // an address, and a header with addresses
void mime(std::string_view data);          // the content of a message
void milter(std::string_view data);        // what a milter says
void policy(std::string_view data);        // what a policy server says
void auth_client(std::string_view data);   // what an authentication server says
void auth_line(std::string_view data);     // a line of that protocol
void login(std::string_view data);         // what a client says in a login
void imap_command(std::string_view data);  // what an IMAP client says
void imap_search(std::string_view data);   // the keys of SEARCH
void imap_text(std::string_view data);     // names, sets, dates, URLs of IMAP
void uidlist(std::string_view data);       // dovecot-uidlist, and what is beside it
void courier(std::string_view data);       // Courier's files of UIDLs and keywords
void mbox(std::string_view data);          // an mbox file
void mail_index(std::string_view data);    // valija.index
void mailbox_name(std::string_view data);  // as clients and directories have it
void structure(std::string_view data);     // a message in a mailbox: parts, structures, sections, previews
void search(std::string_view data);        // what is looked for, and a message
void threads(std::string_view data);       // the headers of a mailbox

}  // namespace fuzz
