#pragma once
// The milters of one session: what they are asked, with which macros, and what their verdicts do to the session.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/maps/table.h"
#include "lib/milter/milters.h"
#include "smtpd/reply.h"

namespace smtpd {

class Session;
struct Params;

// What follows from main.cf.
struct MilterSetup {
  milter::Filters filters;          // smtpd_milters
  milter::Options options;          // for those that smtpd_milter_maps name
  milter::MacroLists macro_lists;

  static Result<MilterSetup> load(const Params& params);
};

// A milter's words, or those of a filter, each line with its code, as a reply.
[[nodiscard]] Reply reply_of_milter(std::string_view text);

class SessionMilters {
 public:
  explicit SessionMilters(Session& session);
  SessionMilters(const SessionMilters&) = delete;
  SessionMilters& operator=(const SessionMilters&) = delete;

  // Each gives the refusal, which is in the log already; none: the command may go on. What is discarded or held goes on too, and
  // its transaction knows.

  // Those for the client as he is now; to them the session is a new one.
  void choose();
  // A refusal with 421 ends the session without a word; with another code of the class 5 it is the greeting.
  [[nodiscard]] std::optional<Reply> connect();
  // Only a refusal that ends the session: others stand for what the client says next.
  [[nodiscard]] std::optional<Reply> helo(std::string_view name);
  // They have refused this HELO for good: there is nothing to offer to the client.
  [[nodiscard]] bool have_refused_helo() const { return has_refused_helo_; }
  // `path` and `parameters` as the client wrote them.
  [[nodiscard]] std::optional<Reply> mail(std::string_view path, const std::vector<std::string_view>& parameters);
  [[nodiscard]] std::optional<Reply> rcpt(std::string_view recipient, std::string_view path, const std::vector<std::string_view>& parameters);
  // A recipient has been refused.
  void rejected_rcpt(std::string_view path, const std::vector<std::string_view>& parameters, const Reply& reply);
  [[nodiscard]] std::optional<Reply> data();
  // Only a refusal for now: that the command is unknown is told by the session itself.
  [[nodiscard]] std::optional<Reply> unknown(std::string_view line);

  // The transaction is over, or a new HELO begins.
  void abort();
  // The session is over.
  void quit();

  // Whether there are any that want to see the content, or have said something that counts for it.
  [[nodiscard]] bool have_a_say();
  [[nodiscard]] milter::Milters& row() { return *milters_; }

 private:
  [[nodiscard]] std::unique_ptr<milter::Milters> chosen() const;
  [[nodiscard]] std::optional<Reply> take(const milter::Verdict& verdict);
  [[nodiscard]] std::optional<std::string> macro(std::string_view name);
  [[nodiscard]] std::optional<std::string> address_macro(std::string_view name);
  [[nodiscard]] milter::Macros macros() {
    return [this](std::string_view name) { return macro(name); };
  }

  Session& session_;
  std::unique_ptr<milter::Milters> milters_;   // null: none
  bool has_refused_helo_ = false;
  bool is_decided_ = false;                    // it is discarded: nobody is asked about this transaction any more
  std::optional<std::string> sender_, recipient_;
  std::optional<Reply> rejection_;             // of the recipient that they are being told of
};

}  // namespace smtpd
