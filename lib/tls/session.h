#pragma once
// One TLS connection, as a layer of a stream. Nothing in it waits.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/io/layer.h"
#include "lib/tls/channel_binding.h"
#include "lib/tls/context.h"
#include "lib/tls/facts.h"
#include "lib/tls/narration.h"

struct ssl_session_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace tls {

class Session : public io::Layer {
 public:
  // The server's side of a handshake over this descriptor, which the stream owns and which must outlive this. The cipher grade
  // is looked at only here: a wrong one is an Error.
  static Result<std::unique_ptr<Session>> accept(const ServerContext& context, int fd, Narration narration = {});
  // The client's. An error is a fault of the demands.
  static Result<std::unique_ptr<Session>> connect(const ClientContext& context, int fd, const ServerDemands& demands, Narration narration = {});
  ~Session() override;

  [[nodiscard]] Step start() override;
  [[nodiscard]] Step read(std::span<char> into) override;
  [[nodiscard]] Step write(std::string_view bytes) override;
  void finish() override;
  [[nodiscard]] std::chrono::seconds farewell_time() const override;

  // The records of demands.dane that cannot be used, by their places.
  [[nodiscard]] const std::vector<std::size_t>& unusable_records() const;

  // After start() has moved.
  [[nodiscard]] Facts facts() const;
  // The same at both ends; empty where there is none. It is derived each time it is asked for.
  [[nodiscard]] ChannelBinding channel_binding() const;
  [[nodiscard]] bool has_channel_binding() const;
  // The last session, as bytes, that the server has given to its client since it was asked; empty: none. By TLS 1.3 it comes behind
  // the handshake, before the server's first words or later.
  [[nodiscard]] std::string take_session();

  // For ServerContext: OpenSSL's callback for the name that a client asks for.
  static int choose_chain(ssl_st* ssl, int* alert, void* unused);
  // For ClientContext: OpenSSL has got a session.
  static int note_session(ssl_st* ssl, ssl_session_st* session);

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  static bool is_good_for_server(const State& state, x509_store_ctx_st* chain);
  static int note_verdict(int is_good, x509_store_ctx_st* chain);
  void judge(Facts& facts) const;
  void judge_by_dane(Facts& facts) const;

  std::unique_ptr<State> state_;
};

}  // namespace tls
