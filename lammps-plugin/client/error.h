// SPDX-License-Identifier: GPL-2.0-or-later
// The one error type of this client; codes are those of docs/protocol.md, "Errors".
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>

namespace mlts {

// What went wrong (the thing, its value, the bound) and what to do about it. what() reads "CODE: cause. remedy".
class Error : public std::runtime_error {
 public:
  // `atom`: index into the request's own order, −1 where no single atom is to blame.
  Error(std::string code, const std::string& cause, const std::string& remedy, long atom = -1)
      : std::runtime_error(code + ": " + cause + ". " + remedy), code(std::move(code)), atom(atom) {}

  // The same error with `note` at its end.
  Error annotated(const std::string& note) const { return Error(*this, what() + note); }

  const std::string code;
  const long atom;

 private:
  Error(const Error& other, const std::string& text) : std::runtime_error(text), code(other.code), atom(other.atom) {}
};

// A number as messages show it.
inline std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

}  // namespace mlts
