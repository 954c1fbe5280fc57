// The one error type of the native library; the codes are those of src/errors.ts.
#pragma once

#include <stdexcept>
#include <string>

namespace mlts {

struct Error : std::runtime_error {
  std::string code;    // "E_OVERLAP"
  std::string detail;  // the thing, its value, the bound
  std::string remedy;
  int atom = -1;     // index in the caller's order, -1 where no atom is to blame
  double value = 0;  // the offending value, where one error must be weighed against another

  Error(std::string code_, std::string detail_, std::string remedy_, int atom_ = -1)
      : std::runtime_error(code_ + ": " + detail_ + ". " + remedy_),
        code(std::move(code_)),
        detail(std::move(detail_)),
        remedy(std::move(remedy_)),
        atom(atom_) {}
};

}  // namespace mlts
