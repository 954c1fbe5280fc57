// From JavaScript values to plain C++. src/engine/native.ts is the only caller and has checked the values; what does
// not fit here is a defect of mlts and throws a TypeError.
#pragma once

#include <napi.h>

#include <string>
#include <type_traits>
#include <vector>

#include "mlts/potential.hpp"

namespace mlts::bridge {

template <class T>
constexpr napi_typedarray_type typeOf() {
  if constexpr (std::is_same_v<T, double>) return napi_float64_array;
  if constexpr (std::is_same_v<T, float>) return napi_float32_array;
  if constexpr (std::is_same_v<T, std::int32_t>) return napi_int32_array;
}

// The elements of a typed array of at least `length` elements.
template <class T>
T* data(const Napi::Value& value, const char* name, std::size_t length) {
  if (!value.IsTypedArray()) throw Napi::TypeError::New(value.Env(), std::string(name) + " is not a typed array");
  auto array = value.As<Napi::TypedArrayOf<T>>();
  if (array.TypedArrayType() != typeOf<T>() || array.ElementLength() < length)
    throw Napi::TypeError::New(value.Env(), std::string(name) + " has the wrong type or length");
  return array.Data();
}

template <class T>
T* optionalData(const Napi::Object& object, const char* name, std::size_t length) {
  const Napi::Value value = object.Get(name);
  return value.IsUndefined() ? nullptr : data<T>(value, name, length);
}

inline std::vector<double> doubles(const Napi::Value& value, const char* name) {
  const double* p = data<double>(value, name, 0);
  return {p, p + value.As<Napi::Float64Array>().ElementLength()};
}

// The fields of `AniModel` and `HipnnModel` in src/model/model.ts; weights are borrowed from the object.
AniModel aniModel(const Napi::Object& model);
HipnnModel hipnnModel(const Napi::Object& model);

Napi::Object errorObject(Napi::Env env, const Error& error);
[[noreturn]] void throwError(Napi::Env env, const Error& error);

}  // namespace mlts::bridge
