#pragma once
// A client of Cyrus SASL's saslauthd, which is told a password and says whether it is right. One question for each
// connection: user, password, service and realm, each as its length in two bytes and its bytes; the answer in the same form.

#include <chrono>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/maps/server_connections.h"

namespace auth {

class Saslauthd {
 public:
  // `path` is its socket, below the working directory if it has no leading slash.
  explicit Saslauthd(const std::string& path);

  struct Question {
    std::string user, password, service, realm;
  };
  // Whether it is right. The error: nobody can tell now.
  [[nodiscard]] Result<bool> check(const Question& question);

 private:
  maps::ServerConnections connections_;
};

}  // namespace auth
