#include "trainer.hpp"

#include "arguments.hpp"
#include "executor.hpp"
#include "mlts/trainer.hpp"

namespace mlts::bridge {
namespace {

double number(const Napi::Object& object, const char* key) { return object.Get(key).ToNumber().DoubleValue(); }

Batches batchesOf(const Napi::Value& value) {
  Batches batches;
  const auto list = value.As<Napi::Array>();
  for (std::uint32_t m = 0; m < list.Length(); m++) {
    const Napi::Value batch = list.Get(m);
    const auto* ids = data<std::int32_t>(batch, "batch", 0);
    batches.emplace_back(ids, ids + batch.As<Napi::TypedArray>().ElementLength());
  }
  return batches;
}

std::vector<LossTerm> lossOf(const Napi::Value& value) {
  std::vector<LossTerm> terms;
  const auto list = value.As<Napi::Array>();
  for (std::uint32_t t = 0; t < list.Length(); t++) {
    const auto source = list.Get(t).ToObject();
    const auto text = [&](const char* key) { return source.Get(key).ToString().Utf8Value(); };
    const std::string of = text("of"), form = text("form"), per = text("per");
    LossTerm term{};
    term.of = of == "energy"   ? LossTerm::Of::energy
              : of == "forces" ? LossTerm::Of::forces
              : of == "virial" ? LossTerm::Of::virial
                               : LossTerm::Of::hierarchicality;
    term.form = form == "squared"    ? LossTerm::Form::squared
                : form == "absolute" ? LossTerm::Form::absolute
                : form == "rms"      ? LossTerm::Form::rms
                                     : LossTerm::Form::huber;
    term.weight = number(source, "weight");
    term.delta = source.Get("delta").IsUndefined() ? 0 : number(source, "delta");
    term.power = source.Get("power").IsUndefined() ? 0 : number(source, "power");
    term.components = text("mean") == "components";
    term.per = per == "atom" ? LossTerm::Per::atom : per == "volume" ? LossTerm::Per::volume : LossTerm::Per::total;
    terms.push_back(term);
  }
  return terms;
}

// Every field is there: src/training/trainer.ts fills in what the caller left out.
OptimiserSettings optimiserOf(const Napi::Value& value) {
  const auto source = value.ToObject();
  OptimiserSettings settings;
  settings.learningRate = doubles(source.Get("learningRate"), "learningRate");
  settings.beta1 = number(source, "beta1");
  settings.beta2 = number(source, "beta2");
  settings.epsilon = number(source, "epsilon");
  settings.decoupledDecay = source.Get("decay").ToString().Utf8Value() == "decoupled";
  settings.clipNorm = number(source, "clipNorm");
  if (!source.Get("averageDecay").IsUndefined()) settings.averageDecay = number(source, "averageDecay");
  const auto layers = source.Get("layers").As<Napi::Array>();
  for (std::uint32_t l = 0; l < layers.Length(); l++) {
    const auto layer = layers.Get(l).ToObject();
    settings.layers.push_back(
        {layer.Get("frozen").ToBoolean().Value(), number(layer, "learningRate"), number(layer, "decay")});
  }
  return settings;
}

LabelledFrame frameOf(const Napi::Object& source) {
  LabelledFrame frame{};
  const auto numbers = source.Get("numbers");
  const std::size_t n = numbers.As<Napi::TypedArray>().ElementLength();
  frame.atoms = static_cast<int>(n);
  frame.numbers = data<std::int32_t>(numbers, "numbers", n);
  frame.positions = data<double>(source.Get("positions"), "positions", 3 * n);
  frame.cell = optionalData<double>(source, "cell", 9);
  const int pbc = source.Get("pbc").ToNumber().Int32Value();
  for (int k = 0; k < 3; k++) frame.pbc[k] = pbc >> k & 1;
  if (!source.Get("energy").IsUndefined()) frame.energy = number(source, "energy");
  frame.forces = optionalData<double>(source, "forces", 3 * n);
  frame.virial = optionalData<double>(source, "virial", 9);
  frame.weight = number(source, "weight");
  return frame;
}

Napi::Object reportObject(Napi::Env env, const BatchReport& report) {
  auto object = Napi::Object::New(env);
  const auto sums = [&](const ErrorSums& e) {
    auto s = Napi::Object::New(env);
    s.Set("count", e.count);
    s.Set("squared", e.squared);
    s.Set("absolute", e.absolute);
    s.Set("largest", e.largest);
    return s;
  };
  auto terms = Napi::Array::New(env, report.terms.size());
  for (std::uint32_t t = 0; t < report.terms.size(); t++) terms.Set(t, report.terms[t]);
  object.Set("frames", report.frames);
  object.Set("loss", report.loss);
  object.Set("terms", terms);
  object.Set("energy", sums(report.energy));
  object.Set("energyPerAtom", sums(report.energyPerAtom));
  object.Set("forces", sums(report.forces));
  object.Set("virial", sums(report.virial));
  object.Set("gradientNorm", report.gradientNorm);
  object.Set("applied", report.applied);
  return object;
}

class TrainerObject : public Napi::ObjectWrap<TrainerObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    using Self = TrainerObject;
    return DefineClass(env, "Trainer",
                       {InstanceMethod<&Self::load>("load"), InstanceMethod<&Self::unload>("unload"),
                        InstanceMethod<&Self::step>("step"), InstanceMethod<&Self::errors>("errors"),
                        InstanceMethod<&Self::gradient>("gradient"), InstanceMethod<&Self::predict>("predict"),
                        InstanceMethod<&Self::values>("values"), InstanceMethod<&Self::setValues>("setValues"),
                        InstanceMethod<&Self::state>("state"), InstanceMethod<&Self::restore>("restore"),
                        InstanceMethod<&Self::close>("close"), InstanceAccessor<&Self::parameters>("parameters"),
                        InstanceAccessor<&Self::frameBytes>("frameBytes")});
  }

  explicit TrainerObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto env = info.Env();
    try {
      const auto precision = info[2].ToString().Utf8Value() == "double" ? Precision::double_ : Precision::single;
      const auto model = info[0].ToObject();
      const bool isHipnn = model.Get("architecture").ToString().Utf8Value() == "hipnn";
      const auto pool = makeThreadPool(info[1].ToNumber().Int32Value());
      const auto descriptorBytes = static_cast<std::size_t>(info[3].ToNumber().DoubleValue());
      const std::string isa = info[4].ToString().Utf8Value();
      trainer_ = isHipnn ? Trainer::create(hipnnModel(model), pool, precision, isa)
                         : Trainer::create(aniModel(model), pool, precision, descriptorBytes, isa);
    } catch (const Error& error) {
      throwError(env, error);
    }
    executor_ = std::make_shared<Executor>(env);
  }

 private:
  struct Call {
    Napi::Promise::Deferred deferred;
    std::optional<Error> failure;
    std::vector<BatchReport> reports;
    std::vector<Trainer::Loaded> loaded;
    Napi::ObjectReference borrowed;
    explicit Call(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  };

  // work(call) on the executor's thread; result(env, call) afterwards. The arguments live until then.
  template <class Work, class Settle>
  Napi::Value submit(const Napi::CallbackInfo& info, const Work& work, Settle result) {
    const auto env = info.Env();
    auto call = std::make_shared<Call>(env);
    auto keep = Napi::Array::New(env, info.Length() + 1);
    for (std::uint32_t i = 0; i < info.Length(); i++) keep.Set(i, info[i]);
    keep.Set(static_cast<std::uint32_t>(info.Length()), Value());
    call->borrowed = Napi::Persistent(keep.As<Napi::Object>());
    auto job = std::make_unique<Job>();
    job->work = [call, work, trainer = trainer_] {
      try {
        work(*trainer, *call);
      } catch (const Error& error) {
        call->failure = error;
      } catch (const std::bad_alloc&) {
        call->failure = Error("E_LIMIT", "not enough memory for training", "Load fewer structures at once.");
      } catch (const std::exception& error) {
        call->failure = Error("E_INTERNAL", error.what(), "Report this with the input that led here.");
      }
    };
    job->done = [this, call, result](Napi::Env loop) {
      const auto bytes = static_cast<std::int64_t>(trainer_->frameBytes());
      Napi::MemoryManagement::AdjustExternalMemory(loop, bytes - accounted_);
      accounted_ = bytes;
      if (call->failure) {
        call->deferred.Reject(errorObject(loop, *call->failure));
      } else {
        call->deferred.Resolve(result(loop, *call));
      }
      call->borrowed.Reset();
    };
    executor_->submit(env, std::move(job));
    return call->deferred.Promise();
  }

  static Napi::Value reportsOf(Napi::Env env, const Call& call) {
    auto list = Napi::Array::New(env, call.reports.size());
    for (std::uint32_t m = 0; m < call.reports.size(); m++) list.Set(m, reportObject(env, call.reports[m]));
    return list;
  }
  static Napi::Value nothing(Napi::Env env, const Call&) { return env.Undefined(); }
  static const std::int32_t* cancelOf(const Napi::Value& value) {
    return value.IsUndefined() ? nullptr : data<std::int32_t>(value, "cancel", 1);
  }
  static Weights weightsOf(const Napi::Value& value) {
    return value.ToString().Utf8Value() == "average" ? Weights::average : Weights::current;
  }

  // (frames) → [id or error]
  Napi::Value load(const Napi::CallbackInfo& info) {
    std::vector<LabelledFrame> frames;
    const auto list = info[0].As<Napi::Array>();
    for (std::uint32_t i = 0; i < list.Length(); i++) frames.push_back(frameOf(list.Get(i).ToObject()));
    return submit(
        info, [frames](Trainer& trainer, Call& call) { call.loaded = trainer.load(frames); },
        [](Napi::Env env, const Call& call) -> Napi::Value {
          auto ids = Napi::Array::New(env, call.loaded.size());
          for (std::uint32_t i = 0; i < call.loaded.size(); i++) {
            if (call.loaded[i].error) {
              ids.Set(i, errorObject(env, *call.loaded[i].error));
            } else {
              ids.Set(i, call.loaded[i].id);
            }
          }
          return ids;
        });
  }

  // (ids)
  Napi::Value unload(const Napi::CallbackInfo& info) {
    const auto* ids = data<std::int32_t>(info[0], "ids", 0);
    const std::vector<int> list(ids, ids + info[0].As<Napi::TypedArray>().ElementLength());
    return submit(info, [list](Trainer& trainer, Call&) { trainer.unload(list); }, nothing);
  }

  // (batches, loss, optimiser, cancel?)
  Napi::Value step(const Napi::CallbackInfo& info) {
    return submit(
        info,
        [batches = batchesOf(info[0]), loss = lossOf(info[1]), optimiser = optimiserOf(info[2]),
         cancel = cancelOf(info[3])](Trainer& trainer, Call& call) {
          call.reports = trainer.step(batches, loss, optimiser, cancel);
        },
        reportsOf);
  }

  // (batches, loss, which, cancel?)
  Napi::Value errors(const Napi::CallbackInfo& info) {
    return submit(
        info,
        [batches = batchesOf(info[0]), loss = lossOf(info[1]), which = weightsOf(info[2]), cancel = cancelOf(info[3])](
            Trainer& trainer, Call& call) { call.reports = trainer.errors(batches, loss, which, cancel); },
        reportsOf);
  }

  // (batches, loss, gradients: Float64Array, cancel?)
  Napi::Value gradient(const Napi::CallbackInfo& info) {
    double* const out = data<double>(info[2], "gradients", trainer_->members() * trainer_->parameters());
    return submit(
        info,
        [batches = batchesOf(info[0]), loss = lossOf(info[1]), out, cancel = cancelOf(info[3])](
            Trainer& trainer, Call& call) { call.reports = trainer.gradient(batches, loss, out, cancel); },
        reportsOf);
  }

  // (ids, {energies, forces?, virials?}, which, cancel?)
  Napi::Value predict(const Napi::CallbackInfo& info) {
    const auto* ids = data<std::int32_t>(info[0], "ids", 0);
    const std::vector<int> list(ids, ids + info[0].As<Napi::TypedArray>().ElementLength());
    const std::size_t each = trainer_->members() * list.size();
    const auto arrays = info[1].ToObject();
    Predictions out;
    out.energies = data<double>(arrays.Get("energies"), "energies", each);
    out.forces = optionalData<double>(arrays, "forces", 0);
    out.virials = optionalData<double>(arrays, "virials", 9 * each);
    return submit(
        info,
        [list, out, which = weightsOf(info[2]), cancel = cancelOf(info[3])](Trainer& trainer, Call&) {
          trainer.predict(list, out, which, cancel);
        },
        nothing);
  }

  // The rest is done at once: src/training/trainer.ts sees to it that no work is under way.
  Napi::Value values(const Napi::CallbackInfo& info) {
    auto out = Napi::Float64Array::New(info.Env(), trainer_->members() * trainer_->parameters());
    trainer_->values(weightsOf(info[0]), out.Data());
    return out;
  }
  void setValues(const Napi::CallbackInfo& info) {
    trainer_->setValues(data<double>(info[0], "values", trainer_->members() * trainer_->parameters()));
  }
  Napi::Value state(const Napi::CallbackInfo& info) {
    const auto bytes = trainer_->state();
    auto out = Napi::Uint8Array::New(info.Env(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), out.Data());
    return out;
  }
  void restore(const Napi::CallbackInfo& info) {
    const auto bytes = info[0].As<Napi::Uint8Array>();
    try {
      trainer_->restore(bytes.Data(), bytes.ByteLength());
    } catch (const Error& error) {
      throwError(info.Env(), error);
    }
  }
  void close(const Napi::CallbackInfo&) { executor_->stop(); }
  Napi::Value parameters(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(trainer_->parameters()));
  }
  Napi::Value frameBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(trainer_->frameBytes()));
  }

  std::shared_ptr<Trainer> trainer_;
  std::shared_ptr<Executor> executor_;
  std::int64_t accounted_ = 0;
};

}  // namespace

Napi::Function defineTrainer(Napi::Env env) { return TrainerObject::define(env); }

}  // namespace mlts::bridge
