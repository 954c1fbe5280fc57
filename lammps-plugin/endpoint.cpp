// SPDX-License-Identifier: GPL-2.0-or-later
#include "endpoint.h"

#include <vector>

#include "client/error.h"

namespace mlts {

namespace {

void replaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

bool namesNode(const std::string& text) { return text.find("%n") != std::string::npos; }

std::string endpointOf(const std::string& text, int rank, int node) {
  std::vector<std::string> entries(1);
  for (const char c : text) {
    if (c == ',') {
      entries.emplace_back();
    } else {
      entries.back() += c;
    }
  }
  for (const std::string& entry : entries) {
    if (entry.empty()) {
      throw Error("E_ADDRESS", "the endpoint list '" + text + "' has an empty entry",
                  "Give endpoints such as tcp://127.0.0.1:5588, separated by single commas");
    }
  }
  std::string endpoint = entries[static_cast<std::size_t>(rank) % entries.size()];
  replaceAll(endpoint, "%r", std::to_string(rank));
  replaceAll(endpoint, "%n", std::to_string(node));
  return endpoint;
}

}  // namespace mlts
