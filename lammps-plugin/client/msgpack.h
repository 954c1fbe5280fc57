// SPDX-License-Identifier: GPL-2.0-or-later
// MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) as far as docs/protocol.md needs it.
// The reader borrows its bytes, copies nothing, never recurses, and stays inside them whatever they hold.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace mlts::msgpack {

// Appends values to a buffer that is reused from message to message. A map or array is followed by its elements.
class Writer {
 public:
  void clear() { bytes_.clear(); }
  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

  void map(uint32_t fields) { header(fields, 15, 0x80, 0, 0xde); }
  void array(uint32_t elements) { header(elements, 15, 0x90, 0, 0xdc); }
  void boolean(bool value) { put(value ? 0xc3 : 0xc2); }
  void real(double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, 8);
    put(0xcb), bigEndian(bits, 8);
  }
  void whole(uint64_t value) {
    if (value < 0x80) {
      put(static_cast<unsigned>(value));
    } else {
      const int log2 = value < 0x100 ? 0 : value < 0x10000 ? 1 : value < 0x100000000 ? 2 : 3;
      put(0xcc + log2), bigEndian(value, 1 << log2);
    }
  }
  void text(std::string_view value) {
    header(static_cast<uint32_t>(value.size()), 31, 0xa0, 0xd9, 0xda);
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  // A binary of `size` < 2³² bytes, zeroed, to be filled by the caller before the next call.
  char* binary(std::size_t size) {
    header(static_cast<uint32_t>(size), -1, 0, 0xc4, 0xc5);
    bytes_.resize(bytes_.size() + size);
    return bytes_.data() + (bytes_.size() - size);
  }

 private:
  void put(unsigned byte) { bytes_.push_back(static_cast<char>(byte)); }
  void bigEndian(uint64_t value, int size) {
    for (int i = size - 1; i >= 0; i--) put(static_cast<unsigned>(value >> (8 * i)) & 0xff);
  }
  // The shortest of: count inside the first byte, 8 bits (where that form exists), 16 bits, 32 bits (always the next
  // code).
  void header(uint32_t count, int64_t mostFixed, unsigned fixed, unsigned eight, unsigned sixteen) {
    if (count <= mostFixed) {
      put(fixed | count);
    } else if (eight && count < 0x100) {
      put(eight), bigEndian(count, 1);
    } else if (count < 0x10000) {
      put(sixteen), bigEndian(count, 2);
    } else {
      put(sixteen + 1), bigEndian(count, 4);
    }
  }

  std::vector<char> bytes_;
};

enum class Kind : uint8_t { nil, boolean, whole, negative, real, text, binary, array, map, extension };

// One value. `bytes` are the contents of a text, binary or extension, or the encoded elements of an array or map.
struct Value {
  Kind kind = Kind::nil;
  bool boolean = false;
  uint64_t whole = 0;    // integers ≥ 0
  int64_t negative = 0;  // integers < 0
  double real = 0;
  uint32_t count = 0;  // elements of an array, pairs of a map
  std::string_view bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool done() const { return at_ == end_; }

  // The next whole value, with all that it contains. False at the end and where the bytes are not MessagePack.
  bool next(Value& value) {
    if (!head(value)) return false;
    if (value.kind != Kind::array && value.kind != Kind::map) return true;
    const char* first = at_;
    uint64_t open = children(value);
    for (Value inner; open > 0; open--) {
      if (open > static_cast<uint64_t>(end_ - at_)) return false;  // each takes a byte at least
      if (!head(inner)) return false;
      open += children(inner);
    }
    value.bytes = {first, static_cast<std::size_t>(at_ - first)};
    return true;
  }

 private:
  static uint64_t children(const Value& value) {
    if (value.kind == Kind::map) return 2 * static_cast<uint64_t>(value.count);
    return value.kind == Kind::array ? value.count : 0;
  }
  bool unsignedOf(int size, uint64_t& value) {
    if (end_ - at_ < size) return false;
    value = 0;
    for (int i = 0; i < size; i++) value = value << 8 | static_cast<unsigned char>(*at_++);
    return true;
  }
  bool contents(Value& value, Kind kind, uint64_t size) {
    if (static_cast<uint64_t>(end_ - at_) < size) return false;
    value.kind = kind;
    value.bytes = {at_, static_cast<std::size_t>(size)};
    at_ += size;
    return true;
  }
  static bool container(Value& value, Kind kind, uint64_t count) {
    value.kind = kind;
    value.count = static_cast<uint32_t>(count);
    return true;
  }
  // The length that follows in 1 << log2 bytes, then the contents.
  bool sized(Value& value, Kind kind, int log2, int extra = 0) {
    uint64_t size;
    return unsignedOf(1 << log2, size) && contents(value, kind, size + extra);
  }
  bool floating(Value& value, bool wide) {
    uint64_t bits;
    if (!unsignedOf(wide ? 8 : 4, bits)) return false;
    value.kind = Kind::real;
    if (wide) {
      std::memcpy(&value.real, &bits, 8);
    } else {
      const auto narrow = static_cast<uint32_t>(bits);
      float single;
      std::memcpy(&single, &narrow, 4);
      value.real = single;
    }
    return true;
  }
  bool integer(Value& value, int log2, bool isSigned) {
    uint64_t bits;
    if (!unsignedOf(1 << log2, bits)) return false;
    const int unused = 64 - (8 << log2);
    const int64_t extended = static_cast<int64_t>(bits << unused) >> unused;
    if (isSigned && extended < 0) {
      value.kind = Kind::negative;
      value.negative = extended;
    } else {
      value.kind = Kind::whole;
      value.whole = bits;
    }
    return true;
  }

  // One value's first byte and what belongs to it, without the elements of a container.
  bool head(Value& value) {
    uint64_t byte, count;
    if (!unsignedOf(1, byte)) return false;
    value = Value();
    if (byte < 0x80) return value.kind = Kind::whole, value.whole = byte, true;
    if (byte < 0x90) return container(value, Kind::map, byte & 0x0f);
    if (byte < 0xa0) return container(value, Kind::array, byte & 0x0f);
    if (byte < 0xc0) return contents(value, Kind::text, byte & 0x1f);
    if (byte >= 0xe0) return value.kind = Kind::negative, value.negative = static_cast<int>(byte) - 0x100, true;
    const int code = static_cast<int>(byte);
    switch (code) {
      case 0xc0:
        return true;
      case 0xc2:
      case 0xc3:
        return value.kind = Kind::boolean, value.boolean = code == 0xc3, true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return sized(value, Kind::binary, code - 0xc4);
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return sized(value, Kind::extension, code - 0xc7, 1);
      case 0xca:
      case 0xcb:
        return floating(value, code == 0xcb);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return integer(value, code - 0xcc, false);
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return integer(value, code - 0xd0, true);
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return contents(value, Kind::extension, (1u << (code - 0xd4)) + 1);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return sized(value, Kind::text, code - 0xd9);
      case 0xdc:
      case 0xdd:
        return unsignedOf(2 << (code - 0xdc), count) && container(value, Kind::array, count);
      case 0xde:
      case 0xdf:
        return unsignedOf(2 << (code - 0xde), count) && container(value, Kind::map, count);
      default:
        return false;  // 0xc1 is never used
    }
  }

  const char* at_;
  const char* end_;
};

}  // namespace mlts::msgpack
