// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace mlts {

// CURVE keys in Z85 (rfc.zeromq.org/spec/32), 40 characters each.
struct CurveKeys {
  std::string serverPublic;
  std::string clientPublic;
  std::string clientSecret;
};

// A client's key file as `mlts keys generate FILE --server KEY` writes it: JSON with public, secret and server.
// Throws Error E_KEYS for a file that is missing, or lacks one of them.
CurveKeys readKeyFile(const std::string& path);

}  // namespace mlts
