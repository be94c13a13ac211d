#pragma once
// TRANSACTION and UPDATE (RFC 1939 sections 5 and 6), in a process that is the mailbox's owner.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/owner/session.h"
#include "lib/server/service.h"
#include "lib/store/account.h"
#include "lib/store/uidl_format.h"
#include "pop3d/pop3d_params.h"

namespace pop3d {

// The daemon that opens mailboxes for POP3.
[[nodiscard]] Result<std::unique_ptr<server::Service>> make_owner(server::Startup& startup);

class Session {
 public:
  Session(owner::Session& session, const Params& params, const store::UidlFormat& format) : session_(session), params_(params), format_(format) {}

  void run();

 private:
  struct Item {
    store::Uid uid = 0;
    std::optional<std::uint64_t> size;   // octets; none: not looked at yet
    bool is_deleted = false;
    bool is_read = false;                // by RETR; not yet marked in the mailbox
  };
  enum class Next { command, end };
  // A command's table row: its handler and whether it takes arguments.
  struct Row;

  // Without a mailbox afterwards: the user has logged in too short a while ago.
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Next dispatch(std::string_view line);
  [[nodiscard]] Next capa(std::string_view arguments);
  [[nodiscard]] Next dele(std::string_view arguments);
  [[nodiscard]] Next lang(std::string_view arguments);
  [[nodiscard]] Next list(std::string_view arguments);
  [[nodiscard]] Next noop(std::string_view arguments);
  [[nodiscard]] Next quit(std::string_view arguments);
  [[nodiscard]] Next retr(std::string_view arguments);
  [[nodiscard]] Next rset(std::string_view arguments);
  [[nodiscard]] Next stat(std::string_view arguments);
  [[nodiscard]] Next top(std::string_view arguments);
  [[nodiscard]] Next uidl(std::string_view arguments);

  // The message of that number, which is there and not deleted; else why not, for the client.
  [[nodiscard]] Item* find(std::string_view number, std::string& why);
  [[nodiscard]] std::uint64_t size_of(Item& item);
  [[nodiscard]] std::string uidl_of(const Item& item);
  // Its header and `lines` of its body; all of it without a number.
  [[nodiscard]] Next send(Item& item, std::optional<std::uint64_t> lines);
  // The only place that deletes.
  [[nodiscard]] Result<void> update();
  // What was read is seen, also without QUIT. A mailbox that takes no flags is not the client's concern.
  void mark_seen();

  [[nodiscard]] Next reply(std::string_view text);
  void end_with(std::string_view text);   // before there was a session
  void write(std::string_view text);
  [[nodiscard]] Deadline deadline() const;

  owner::Session& session_;
  const Params& params_;
  const store::UidlFormat& format_;
  std::unique_ptr<store::Account> account_;
  std::unique_ptr<store::Mailbox> mailbox_;
  std::vector<Item> items_;
  bool is_lost_ = false;
  int retrieved_ = 0, topped_ = 0, deleted_ = 0;
  std::uint64_t retrieved_size_ = 0;
};

}  // namespace pop3d
