#pragma once
// Asks dnsblog(8) about clients. Sessions of one client at the same time share what is asked.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/ipc/connections.h"
#include "lib/ipc/messages/dnsblog.h"
#include "postscreen/dnsbl.h"

namespace postscreen {

// Of one client; sessions hold it as long as they want to know.
struct DnsblInquiry {
  DnsblInquiry() = default;
  DnsblInquiry(const DnsblInquiry&) = delete;
  DnsblInquiry& operator=(const DnsblInquiry&) = delete;
  ~DnsblInquiry() {
    if (forget) forget();
  }

  DnsblScore score;
  // Called when the last list has answered; by the session's own number, which takes it back when it ends.
  std::map<unsigned long, std::function<void()>> on_complete;
  std::function<void()> forget;
};

class DnsblAsker {
 public:
  DnsblAsker(DnsblSites sites, ipc::Connections& services, std::string service, std::chrono::seconds timeout)
      : sites_(std::move(sites)), services_(services), socket_("private/" + std::move(service)), timeout_(timeout) {}

  [[nodiscard]] std::shared_ptr<DnsblInquiry> ask(const io::Address& client);
  [[nodiscard]] bool has_sites() const { return !sites_.empty(); }

 private:
  void ask_one(const std::shared_ptr<DnsblInquiry>& inquiry, const std::string& domain, const std::string& client);
  [[nodiscard]] Result<ipc::DnsblogAnswer> answer_of(const ipc::DnsblogRequest& request);

  DnsblSites sites_;
  ipc::Connections& services_;
  std::string socket_;
  std::chrono::seconds timeout_;
  std::map<io::Address, std::weak_ptr<DnsblInquiry>> under_way_;
};

}  // namespace postscreen
