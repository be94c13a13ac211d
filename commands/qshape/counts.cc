#include "commands/qshape/counts.h"

#include <algorithm>
#include <tuple>

#include "lib/base/ascii.h"

namespace qshape {

std::string domain_of(std::string_view address) {
  if (address.empty()) return "MAILER-DAEMON";
  const std::size_t at = address.rfind('@');
  std::string out;
  for (const std::string_view label : ascii::split(at == std::string_view::npos ? address : address.substr(at + 1), ".")) {
    if (!out.empty()) out += '.';
    out += ascii::lowercase(label);
  }
  return out;
}

std::pair<Row&, bool> Counts::row(const std::string& name) {
  const auto [found, is_new] = rows_.try_emplace(name, Row{});
  if (is_new) found->second = empty_row();
  return {found->second, is_new};
}

void Counts::add(const std::string& domain, std::size_t column) {
  total_.add(column);
  auto [own, is_new] = row(domain);
  own.add(column);
  if (parents_ == Parents::left_out) return;
  // Up to the parent below the top level domain, which is none.
  for (std::size_t dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1)) {
    if (domain.find('.', dot + 1) == std::string::npos) break;
    auto [parent, is_new_parent] = row(domain.substr(dot));
    parent.add(column);
    if (is_new) ++parent.children;
    is_new = is_new_parent;
  }
}

std::vector<std::pair<std::string, const Row*>> Counts::sorted(std::uint64_t children_min) const {
  std::vector<std::pair<std::string, const Row*>> out{{"TOTAL", &total_}};
  for (const auto& [name, row] : rows_) {
    if (!name.starts_with('.') || row.children >= children_min) out.emplace_back(name, &row);
  }
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return std::tuple(b.second->all, a.first.size(), std::string_view(a.first)) <
           std::tuple(a.second->all, b.first.size(), std::string_view(b.first));
  });
  return out;
}

}  // namespace qshape
