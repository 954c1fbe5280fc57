// SPDX-License-Identifier: GPL-2.0-or-later
// The codec: forms and their boundaries against the specification's bytes, and any bytes at all against the reader.
#include <algorithm>
#include <limits>
#include <random>
#include <string>

#include "check.hpp"
#include "client/wire.h"

namespace {

using mlts::msgpack::Kind;
using mlts::msgpack::Reader;
using mlts::msgpack::Value;
using mlts::msgpack::Writer;

std::string bytesOf(const Writer& writer) { return std::string(writer.bytes()); }

std::string literal(std::initializer_list<int> bytes) { return std::string(bytes.begin(), bytes.end()); }

Value only(const std::string& bytes) {
  Reader reader(bytes);
  Value value;
  CHECK(reader.next(value));
  CHECK(reader.done());
  return value;
}

// Reads everything there is to read, as deep as it goes, and counts the values.
std::size_t walk(std::string_view bytes, int depth = 0) {
  std::size_t count = 0;
  Reader reader(bytes);
  for (Value value; reader.next(value);) {
    count++;
    const bool inside = value.bytes.empty() || (value.bytes.data() >= bytes.data() &&
                                                value.bytes.data() + value.bytes.size() <= bytes.data() + bytes.size());
    if (!inside) CHECK(inside);
    if ((value.kind == Kind::array || value.kind == Kind::map) && depth < 64) count += walk(value.bytes, depth + 1);
  }
  return count;
}

// What the client does with a frame: a reply or a typed error, nothing else.
bool readsOrRefuses(const std::string& frame) {
  try {
    const mlts::Reply reply(frame);
    if (reply.isError()) {
      (void)reply.error();
    } else {
      (void)reply.evaluation(mlts::wantForces | mlts::wantVirial | mlts::wantForceDeviations, 4, 2);
    }
  } catch (const mlts::Error& error) {
    return error.code == "E_PROTOCOL" || error.code == "E_NONFINITE";
  }
  return true;
}

}  // namespace

TEST(whole_numbers_take_their_shortest_form) {
  const struct {
    uint64_t value;
    std::string bytes;
  } cases[] = {{0, literal({0x00})},
               {127, literal({0x7f})},
               {128, literal({0xcc, 0x80})},
               {255, literal({0xcc, 0xff})},
               {256, literal({0xcd, 0x01, 0x00})},
               {65535, literal({0xcd, 0xff, 0xff})},
               {65536, literal({0xce, 0x00, 0x01, 0x00, 0x00})},
               {4294967295, literal({0xce, 0xff, 0xff, 0xff, 0xff})},
               {4294967296, literal({0xcf, 0, 0, 0, 1, 0, 0, 0, 0})},
               {std::numeric_limits<uint64_t>::max(), literal({0xcf, 255, 255, 255, 255, 255, 255, 255, 255})}};
  for (const auto& c : cases) {
    Writer writer;
    writer.whole(c.value);
    CHECK(bytesOf(writer) == c.bytes);
    const Value value = only(c.bytes);
    CHECK(value.kind == Kind::whole && value.whole == c.value);
  }
}

TEST(signed_forms_are_read) {
  CHECK(only(literal({0xff})).negative == -1);
  CHECK(only(literal({0xe0})).negative == -32);
  CHECK(only(literal({0xd0, 0x80})).negative == -128);
  CHECK(only(literal({0xd1, 0x80, 0x00})).negative == -32768);
  CHECK(only(literal({0xd2, 0x80, 0, 0, 0})).negative == -2147483648LL);
  CHECK(only(literal({0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0})).negative == std::numeric_limits<int64_t>::min());
  const Value positive = only(literal({0xd1, 0x01, 0x00}));
  CHECK(positive.kind == Kind::whole && positive.whole == 256);
}

TEST(reals_are_read_in_both_widths) {
  Writer writer;
  writer.real(-1.5);
  CHECK(bytesOf(writer) == literal({0xcb, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0}));
  CHECK_CLOSE(only(bytesOf(writer)).real, -1.5, 0, 0);
  CHECK_CLOSE(only(literal({0xca, 0x3f, 0x80, 0, 0})).real, 1.0, 0, 0);
}

TEST(texts_and_binaries_at_the_boundaries_of_their_forms) {
  for (const std::size_t size : {0, 1, 31, 32, 255, 256, 65535, 65536, 70000}) {
    const std::string content(size, 'x');
    Writer text, binary;
    text.text(content);
    std::copy(content.begin(), content.end(), binary.binary(size));
    CHECK(only(bytesOf(text)).kind == Kind::text);
    CHECK(only(bytesOf(text)).bytes == content);
    CHECK(only(bytesOf(binary)).kind == Kind::binary);
    CHECK(only(bytesOf(binary)).bytes == content);
    const std::size_t overText = size < 32 ? 1 : size < 256 ? 2 : size < 65536 ? 3 : 5;
    CHECK(bytesOf(text).size() == size + overText);
    CHECK(bytesOf(binary).size() == size + std::max<std::size_t>(overText, 2));
  }
}

TEST(containers_at_the_boundaries_of_their_forms) {
  for (const uint32_t count : {0u, 1u, 15u, 16u, 65535u, 65536u}) {
    Writer array, map;
    array.array(count);
    for (uint32_t i = 0; i < count; i++) array.boolean(i % 2);
    map.map(count);
    for (uint32_t i = 0; i < count; i++) map.whole(i), map.boolean(true);
    CHECK(only(bytesOf(array)).kind == Kind::array && only(bytesOf(array)).count == count);
    CHECK(only(bytesOf(map)).kind == Kind::map && only(bytesOf(map)).count == count);
    CHECK(walk(bytesOf(array)) == count + 1);
    CHECK(walk(bytesOf(map)) == 2 * count + 1);
  }
}

TEST(every_truncation_is_refused) {
  Writer writer;
  writer.map(3);
  writer.text("numbers"), writer.binary(300);
  writer.text("want"), writer.array(2), writer.text("forces"), writer.text("virial");
  writer.text("energy"), writer.real(1);
  const std::string whole = bytesOf(writer);
  for (std::size_t size = 0; size < whole.size(); size++) {
    Reader reader(std::string_view(whole).substr(0, size));
    Value value;
    CHECK(!reader.next(value));
  }
}

TEST(lying_lengths_are_refused_at_once) {
  for (const std::string& bytes :
       {literal({0xdd, 0xff, 0xff, 0xff, 0xff}), literal({0xdf, 0xff, 0xff, 0xff, 0xff, 0x01}),
        literal({0xc6, 0xff, 0xff, 0xff, 0xff, 0x00}), literal({0xdb, 0x7f, 0xff, 0xff, 0xff}),
        literal({0xc9, 0xff, 0xff, 0xff, 0xff, 0x01}), literal({0xc1})}) {
    Reader reader(bytes);
    Value value;
    CHECK(!reader.next(value));
  }
}

TEST(nesting_costs_no_stack) {
  std::string deep(2000000, static_cast<char>(0x91));
  deep.push_back(0x00);
  CHECK(only(deep).kind == Kind::array);
  deep.pop_back();
  Reader reader(deep);
  Value value;
  CHECK(!reader.next(value));
}

TEST(any_bytes_are_read_or_refused) {
  std::mt19937 random(20250722);
  std::size_t values = 0;
  for (int round = 0; round < 200000; round++) {
    std::string bytes(random() % 64, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    values += walk(bytes);
    if (!readsOrRefuses(bytes)) CHECK(false);
  }
  CHECK(values > 200000);  // the generator does reach the reader
}

TEST(damaged_replies_are_read_or_refused) {
  Writer writer;
  writer.map(7);
  writer.text("type"), writer.text("evaluate");
  writer.text("id"), writer.whole(7);
  writer.text("natoms"), writer.whole(4);
  writer.text("energy"), writer.real(-1);
  writer.text("forces"), writer.binary(96);
  writer.text("virial"), writer.binary(72);
  writer.text("force_deviations"), writer.binary(96);
  const std::string good = bytesOf(writer);
  CHECK(mlts::Reply(good).evaluation(mlts::wantForces, 4, 2).forces.size() == 12);
  std::mt19937 random(4711);
  int refused = 0;
  for (int round = 0; round < 200000; round++) {
    std::string bytes = good;
    for (unsigned flips = 1 + random() % 4; flips > 0; flips--)
      bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    if (!readsOrRefuses(bytes)) CHECK(false);
    try {
      (void)mlts::Reply(bytes).evaluation(mlts::wantForces, 4, 2);
    } catch (const mlts::Error&) {
      refused++;
    }
  }
  CHECK(refused > 1000);
}

int main() { return check::main(); }
