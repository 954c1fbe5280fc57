// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/keys.h"

#include <cctype>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "client/error.h"

namespace mlts {

namespace {

constexpr std::size_t keyLength = 40;

bool isZ85(char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr(".-:+=^!/*?&<>()[]{}@%$#", c); }

// The key that a flat JSON object has under `name`. Z85 has neither quote nor backslash, so the string holds it
// literally.
std::optional<std::string> keyIn(const std::string& text, const std::string& name) {
  const std::string quoted = '"' + name + '"';
  std::size_t at = text.find(quoted);
  if (at == std::string::npos) return std::nullopt;
  at += quoted.size();
  for (const char expected : {':', '"'}) {
    at = text.find_first_not_of(" \t\r\n", at);
    if (at == std::string::npos || text[at] != expected) return std::nullopt;
    at++;
  }
  std::string key = text.substr(at, keyLength);
  if (key.size() < keyLength || text.compare(at + keyLength, 1, "\"") != 0) return std::nullopt;
  for (const char c : key) {
    if (c == '\0' || !isZ85(c)) return std::nullopt;
  }
  return key;
}

}  // namespace

CurveKeys readKeyFile(const std::string& path) {
  const std::string remedy = "Make one with `mlts keys generate FILE --server 'SERVER-PUBLIC-KEY'`";
  std::ifstream file(path);
  if (!file) throw Error("E_KEYS", "the key file '" + path + "' cannot be read", remedy);
  std::ostringstream content;
  content << file.rdbuf();
  const auto key = [&](const char* name) {
    if (const auto found = keyIn(content.str(), name)) return *found;
    throw Error("E_KEYS", "the key file '" + path + "' has no '" + name + "' of 40 characters of Z85", remedy);
  };
  return {key("server"), key("public"), key("secret")};
}

}  // namespace mlts
