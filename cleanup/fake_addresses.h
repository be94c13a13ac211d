#pragma once
// Stands for trivial-rewrite and the tables in the tests of cleanup's steps: an address without a domain gets
// example.test (remote.test under the remote rule), and aliases are a list.

#include <map>
#include <string>
#include <vector>

#include "cleanup/addresses.h"
#include "cleanup/output.h"
#include "lib/base/ascii.h"
#include "lib/mail/address.h"

namespace cleanup {

class FakeAddresses final : public Addresses {
 public:
  Result<std::string> rewrite(Context context, const std::string& external) override {
    if (fails) return base::fail("rewrite is down");
    std::string internal = mail::to_internal(external);
    if (!internal.contains('@')) internal += context == Context::local ? "@example.test" : "@remote.test";
    if (internal.ends_with('.')) internal.pop_back();
    return mail::to_external(internal);
  }
  Result<std::optional<Alias>> lookup(AddressTable which, const std::string& internal) override {
    ++lookups;
    const std::string key = ascii::lowercase(internal);
    if (broken.contains(key)) return base::fail("table is broken");
    const auto& entries = which == AddressTable::virtual_alias ? table : others[which];
    if (const auto found = entries.find(key); found != entries.end()) return Alias{found->second, ""};
    const mail::AddressParts parts = mail::split(key);
    if (const std::size_t plus = parts.local.find('+'); plus != std::string_view::npos) {
      const std::string without = std::string(parts.local.substr(0, plus)) + "@" + std::string(parts.domain);
      if (const auto found = entries.find(without); found != entries.end()) {
        return Alias{found->second, std::string(parts.local.substr(plus))};
      }
    }
    if (const auto found = entries.find("@" + std::string(parts.domain)); found != entries.end()) {
      return Alias{found->second, ""};
    }
    return std::optional<Alias>();
  }
  Result<bool> is_masquerade_exception(const std::string& local) override { return local == masquerade_exception; }

  std::map<std::string, std::string> table;  // virtual_alias_maps
  std::map<AddressTable, std::map<std::string, std::string>> others;
  std::string masquerade_exception;
  std::map<std::string, bool> broken;
  bool fails = false;
  int lookups = 0;
};

// Keeps what was written, one string per record: the type's letter and the data.
class FakeOutput final : public Output {
 public:
  void put(queue::RecordType type, std::string_view data) override {
    records.push_back(static_cast<char>(type) + std::string(data));
    const bool is_content = started_ && !ended_;
    if (type == queue::RecordType::message_start) started_ = true;
    if (type == queue::RecordType::extracted) ended_ = true;
    if (is_content && !ended_) size_ += static_cast<std::int64_t>(data.size() + 2);
  }
  [[nodiscard]] std::int64_t content_size() const override { return size_; }
  [[nodiscard]] std::string types() const {
    std::string out;
    for (const std::string& record : records) out += record.front();
    return out;
  }
  // The data of the records of one type.
  [[nodiscard]] std::vector<std::string> of(char type) const {
    std::vector<std::string> out;
    for (const std::string& record : records) {
      if (record.front() == type) out.push_back(record.substr(1));
    }
    return out;
  }
  // The content as lines; '~' marks one that goes on.
  [[nodiscard]] std::vector<std::string> content() const {
    std::vector<std::string> out;
    bool inside = false;
    for (const std::string& record : records) {
      if (record.front() == 'X') inside = false;
      if (inside) out.push_back(record.substr(1) + (record.front() == 'L' ? "~" : ""));
      if (record.front() == 'M') inside = true;
    }
    return out;
  }

  std::vector<std::string> records;

 private:
  bool started_ = false, ended_ = false;
  std::int64_t size_ = 0;
};

}  // namespace cleanup
