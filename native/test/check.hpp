// The little that the C++ tests need: named tests, comparisons that NaN fails, one line a failure.
#pragma once

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace check {

struct Test {
  std::string name;
  std::function<void()> body;
};
inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}
inline int& failures() {
  static int count = 0;
  return count;
}
inline int& comparisons() {
  static int count = 0;
  return count;
}
struct Register {
  Register(const char* name, std::function<void()> body) { tests().push_back({name, std::move(body)}); }
};

inline bool isClose(double got, double want, double atol, double rtol) {
  return std::isfinite(want) && std::fabs(got - want) <= atol + rtol * std::fabs(want);
}

inline void report(bool ok, const char* file, int line, const std::string& what) {
  comparisons()++;
  if (ok) return;
  if (failures()++ < 20) std::printf("%s:%d: %s\n", file, line, what.c_str());
}

// A test that compares nothing fails: it did not run.
inline int main() {
  int failed = 0;
  for (const Test& test : tests()) {
    const int failuresBefore = failures(), comparisonsBefore = comparisons();
    try {
      test.body();
    } catch (const std::exception& error) {
      report(false, test.name.c_str(), 0, std::string("threw ") + error.what());
    }
    if (comparisons() == comparisonsBefore) report(false, test.name.c_str(), 0, "compared nothing");
    const bool ok = failures() == failuresBefore;
    if (!ok) failed++;
    std::printf("%s %s\n", ok ? "ok  " : "FAIL", test.name.c_str());
  }
  std::printf("%zu tests, %d comparisons, %d failed\n", tests().size(), comparisons(), failed);
  return failed == 0 && !tests().empty() ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                             \
  static void name();                                          \
  static const check::Register registered_##name(#name, name); \
  static void name()
#define CHECK(condition) check::report(static_cast<bool>(condition), __FILE__, __LINE__, #condition)
#define CHECK_CLOSE(got, want, atol, rtol)                                                             \
  do {                                                                                                 \
    const double got_ = (got), want_ = (want);                                                         \
    check::report(check::isClose(got_, want_, atol, rtol), __FILE__, __LINE__,                         \
                  std::string(#got " = ") + std::to_string(got_) + ", want " + std::to_string(want_)); \
  } while (false)
#define CHECK_THROWS(expression, code_)                                                                       \
  do {                                                                                                        \
    std::string thrown_ = "nothing";                                                                          \
    try {                                                                                                     \
      expression;                                                                                             \
    } catch (const mlts::Error& error_) {                                                                     \
      thrown_ = error_.code;                                                                                  \
    }                                                                                                         \
    check::report(thrown_ == (code_), __FILE__, __LINE__, #expression " threw " + thrown_ + ", want " code_); \
  } while (false)
