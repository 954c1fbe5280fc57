// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <set>

#include "client/error.h"

namespace mlts {

namespace {

const char* usage =
    "Write: pair_style mlts ENDPOINT [model NAME] [timeout SECONDS] [precision single|double] [sigma yes|no] "
    "[threshold FORCE] [keys FILE]";

double number(const std::string& keyword, const std::string& text, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (!text.empty() && *end == '\0' && value > 0 && value <= most) return value;
  throw Error("E_USAGE",
              "pair_style mlts: '" + keyword + "' is '" + text + "', not a number in (0, " +
                  std::to_string(static_cast<long>(most)) + "]",
              usage);
}

std::string choice(const std::string& keyword, const std::string& text, const std::string& one,
                   const std::string& other) {
  if (text == one || text == other) return text;
  throw Error("E_USAGE", "pair_style mlts: '" + keyword + "' is '" + text + "', not " + one + " or " + other, usage);
}

}  // namespace

Options parseOptions(int narg, char** arg) {
  if (narg < 1) throw Error("E_USAGE", "pair_style mlts: no endpoint", usage);
  Options options;
  options.endpoint = arg[0];
  if (options.endpoint.find("://") == std::string::npos) {
    throw Error("E_USAGE",
                "pair_style mlts: '" + options.endpoint + "' is not an endpoint such as tcp://127.0.0.1:5588", usage);
  }
  std::set<std::string> seen;
  for (int i = 1; i < narg; i += 2) {
    const std::string keyword = arg[i];
    if (!seen.insert(keyword).second)
      throw Error("E_USAGE", "pair_style mlts: '" + keyword + "' is given twice", usage);
    const bool known = keyword == "model" || keyword == "timeout" || keyword == "precision" || keyword == "sigma" ||
                       keyword == "threshold" || keyword == "keys";
    if (!known) throw Error("E_USAGE", "pair_style mlts: unknown keyword '" + keyword + "'", usage);
    if (i + 1 == narg) throw Error("E_USAGE", "pair_style mlts: '" + keyword + "' lacks its value", usage);
    const std::string value = arg[i + 1];
    if (keyword == "model") options.model = value;
    if (keyword == "timeout") options.timeout = number(keyword, value, 86400);
    if (keyword == "precision") options.precision = choice(keyword, value, "single", "double");
    if (keyword == "sigma") options.sigma = choice(keyword, value, "yes", "no") == "yes";
    if (keyword == "threshold") options.threshold = number(keyword, value, 1e6);
    if (keyword == "keys") options.keyFile = value;
  }
  return options;
}

}  // namespace mlts
