#pragma once
// One milter: a connection that speaks the protocol, and what it has said of the session and of the message. Straight-line; it
// parks in the stream, and every answer has a deadline. A milter that fails (is not there, closes, is late, talks nonsense) is
// not asked again in this session, and its default action is what counts for it.
//
// Who uses it asks event by event, and hears a Verdict; changes at the end of a message go to an Editor.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/io/stream.h"
#include "lib/milter/handover.h"
#include "lib/milter/protocol.h"
#include "lib/milter/settings.h"

namespace milter {

// What a milter says of a command or of a message.
struct Verdict {
  enum class Kind : std::uint8_t {
    go_on,
    refuse,     // `reply` is for the client
    discard,    // the message is taken and goes nowhere
    hold,       // the message waits in hold/
  };
  Kind kind = Kind::go_on;
  std::string reply;   // of a refusal, "550 5.7.1 Command rejected"; several lines are separated by CRLF, each with the code

  [[nodiscard]] bool goes_on() const { return kind == Kind::go_on; }
  [[nodiscard]] bool refuses() const { return kind == Kind::refuse; }
  // The session is to end with it.
  [[nodiscard]] bool closes() const { return reply.starts_with("421"); }
};

// What the client hears of a milter that wants the session to end.
inline constexpr std::string_view shutdown_reply = "421 4.7.0 Server closing connection";

inline constexpr std::string_view misconfigured_reply = "451 4.3.5 Server configuration problem - try again later";

// The values of macros, by name without braces; none: not known now.
using Macros = std::function<std::optional<std::string>(std::string_view name)>;

// Makes the changes that a milter asks for at the end of a message. An error means that it cannot be done (a full disk): the
// message is not taken. What a milter must not ask is ignored there, with a warning.
class Editor {
 public:
  Editor() = default;
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;
  virtual ~Editor() = default;

  virtual Result<void> add_header(std::string_view name, std::string_view value) = 0;
  // Before the field that is the `index`th now (0 and 1 are the first).
  virtual Result<void> insert_header(std::uint32_t index, std::string_view name, std::string_view value) = 0;
  // The `index`th of this name; an empty value deletes it.
  virtual Result<void> change_header(std::uint32_t index, std::string_view name, std::string_view value) = 0;
  virtual Result<void> change_sender(std::string_view address, std::string_view arguments) = 0;
  virtual Result<void> add_recipient(std::string_view address, std::string_view arguments) = 0;
  virtual Result<void> delete_recipient(std::string_view address) = 0;
  // The next piece of the new body. The whole of it is there when the milter has said its last word, and not before.
  virtual Result<void> replace_body(std::string_view piece) = 0;
  virtual Result<void> quarantine(std::string_view reason) = 0;
};

class Milter {
 public:
  Milter(const Filter& filter, const MacroLists& lists);
  // One that cannot be asked: this counts for all that is said to it.
  explicit Milter(Verdict standing) : state_(State::over), standing_(std::move(standing)) {}
  // One that another program has brought so far.
  explicit Milter(Handover handed_over);
  Milter(Milter&&) noexcept = default;
  Milter& operator=(Milter&&) noexcept = default;
  Milter(const Milter&) = delete;
  Milter& operator=(const Milter&) = delete;
  ~Milter() = default;   // closes; quit() says goodbye first

  // The client. `address` is empty where it is not known.
  struct Client {
    std::string name, address;
    bool is_v6 = false;
    int port = 0;
  };
  [[nodiscard]] Verdict connect(const Client& client, const Macros& macros);
  [[nodiscard]] Verdict helo(std::string_view name, const Macros& macros);
  // `words`: the address, and each of the command's parameters.
  [[nodiscard]] Verdict mail(const std::vector<std::string_view>& words, const Macros& macros);
  [[nodiscard]] Verdict rcpt(const std::vector<std::string_view>& words, const Macros& macros);
  [[nodiscard]] bool hears_of_rejected() const { return (steps_ & hears_of_rejected_bit) != 0; }
  [[nodiscard]] Verdict data(const Macros& macros);
  [[nodiscard]] Verdict unknown(std::string_view line, const Macros& macros);

  // The content. No more of it needs to be said once it !listens().
  [[nodiscard]] bool listens() const { return state_ == State::message || state_ == State::ready; }
  // Whether a piece of the content of this kind is wanted; what is not wanted need not be read.
  [[nodiscard]] bool wants(Command command) const;
  [[nodiscard]] Verdict header(std::string_view name, std::string_view value, const Macros& macros);
  [[nodiscard]] Verdict end_of_header(const Macros& macros);
  [[nodiscard]] Verdict body(std::string_view chunk, const Macros& macros);
  // Reads the changes and the last word. The error is the Editor's, or says that the milter was lost in the middle: then none
  // of its changes counts, and lost_verdict() is what does.
  [[nodiscard]] Verdict end_of_body(const Macros& macros, Editor& editor, std::optional<base::Error>& failure);

  // What counts for one that has failed, or has said no more than this to all of the session. Where a message is held for it, that
  // has been said at MAIL.
  [[nodiscard]] Verdict stands_within_message() const;
  [[nodiscard]] bool has_standing() const { return standing_.has_value(); }

  // Its default action counts: what it may have said before does not.
  [[nodiscard]] bool has_failed() const { return has_failed_; }
  [[nodiscard]] bool keeps_leading_space() const { return (steps_ & milter::keeps_leading_space) != 0; }

  // The message ends without its end of body, or after it: the next is another one.
  void abort();
  // Before the connection is closed.
  void quit();

  // For the program that is to see the content. The connection is shared after that: one of both speaks at a time.
  [[nodiscard]] Handover hand_over();

 private:
  enum class State : std::uint8_t {
    fresh,               // not connected yet
    ready,               // between messages
    message,             // in one
    done_with_message,   // it has said all that it has to say of this message
    over,                // not connected any more; `standing_` counts, if there is one
  };
  static constexpr Steps hears_of_rejected_bit = milter::hears_of_rejected;

  struct Packet {
    char answer;
    std::string data;
  };
  [[nodiscard]] Result<void> open(Deadline deadline);
  [[nodiscard]] bool negotiate(Deadline deadline);
  [[nodiscard]] bool take_options(std::string_view data);
  [[nodiscard]] std::optional<Packet> read_packet(Command after, Deadline deadline);
  void send_macros(Command command, const Macros& macros, Deadline deadline);
  [[nodiscard]] Verdict event(Command command, std::string_view data, const Macros& macros, std::chrono::seconds timeout);
  [[nodiscard]] Verdict take_answer(Command command, const Packet& packet);
  [[nodiscard]] std::optional<Verdict> take_final(Command command, const Packet& packet);
  [[nodiscard]] bool edit(const Packet& packet, Editor& editor, std::optional<base::Error>& failure);
  [[nodiscard]] Verdict refused(Command command, std::string reply);
  // It has failed: from now on its default action counts.
  Verdict lose();
  Verdict lose_with(Verdict verdict);
  void close();

  std::string name_;
  maps::ServerAddress address_;
  std::vector<std::string> hosts_;
  Options options_;
  MacroLists lists_;
  std::optional<io::Stream> stream_;
  State state_ = State::fresh;
  std::optional<Verdict> standing_;
  int version_ = 0;
  Actions actions_ = 0;
  Steps steps_ = 0;
  bool has_failed_ = false;
  bool skips_ = false;          // the rest of the recipients, or of this kind of content
  Command skipped_ = Command::quit;
};

}  // namespace milter
