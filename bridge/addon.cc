// Node-API glue: typed arrays in, promises out. No arithmetic.
//
//   new Pool(threads)                       threads shared by all engines of a process
//   new Engine(model, pool, isa)            .evaluate(systems, precision, cancel) → Promise<(error | undefined)[]>
//                                           .stages() .memoryBytes() .peak(precision) .isa
//   new Trajectory()                        a Verlet list kept between evaluations; .close()
//   new Trainer(…)                          trainer.hpp
//   isas()                                  instruction sets of this processor, best first
#include <napi.h>

#include "arguments.hpp"
#include "executor.hpp"
#include "trainer.hpp"

namespace mlts::bridge {
namespace {

class Pool : public Napi::ObjectWrap<Pool> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Pool", {InstanceMethod<&Pool::close>("close")});
  }
  explicit Pool(const Napi::CallbackInfo& info)
      : ObjectWrap(info),
        threads(makeThreadPool(info[0].ToNumber().Int32Value())),
        executor(std::make_shared<Executor>(info.Env())) {}
  void close(const Napi::CallbackInfo&) { executor->stop(); }

  std::shared_ptr<ThreadPool> threads;
  std::shared_ptr<Executor> executor;
};

class Trajectory : public Napi::ObjectWrap<Trajectory> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Trajectory", {InstanceMethod<&Trajectory::close>("close")});
  }
  explicit Trajectory(const Napi::CallbackInfo& info) : ObjectWrap(info), list(makeVerletList()) {}
  void close(const Napi::CallbackInfo&) { list = makeVerletList(); }

  std::shared_ptr<VerletList> list;
};

class Engine : public Napi::ObjectWrap<Engine> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Engine",
                       {InstanceMethod<&Engine::evaluate>("evaluate"), InstanceMethod<&Engine::stages>("stages"),
                        InstanceMethod<&Engine::memoryBytes>("memoryBytes"), InstanceMethod<&Engine::peak>("peak"),
                        InstanceAccessor<&Engine::isa>("isa")});
  }

  explicit Engine(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto source = info[0].ToObject();
    const Pool* pool = Pool::Unwrap(info[1].ToObject());
    executor_ = pool->executor;
    members_ = source.Get("members").ToNumber().Int32Value();
    const std::string isa = info[2].ToString().Utf8Value();
    const bool isHipnn = source.Get("architecture").ToString().Utf8Value() == "hipnn";
    try {
      potential_ = isHipnn ? mlts::Potential::create(hipnnModel(source), pool->threads, isa)
                           : mlts::Potential::create(aniModel(source), pool->threads, isa);
    } catch (const Error& error) {
      throwError(info.Env(), error);
    }
    model_ = Napi::Persistent(source);  // the weights are borrowed from it
  }

  ~Engine() override { accountMemory(Env(), 0); }

 private:
  struct Call {
    std::shared_ptr<mlts::Potential> potential;
    std::vector<System> systems;
    std::vector<Result> results;
    std::vector<std::shared_ptr<VerletList>> lists;
    std::vector<double*> energies;
    Precision precision;
    const std::int32_t* cancelled;
    Stages stages;
    std::optional<Error> failure;
    Napi::ObjectReference borrowed;  // the systems and the arrays they name
    Napi::Promise::Deferred deferred;

    explicit Call(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}

    void run() {
      try {
        potential->evaluate(systems, results, precision, cancelled);
        for (std::size_t i = 0; i < results.size(); i++) *energies[i] = results[i].energy;
        stages = potential->stages();
      } catch (const Error& error) {
        failure = error;
      } catch (const std::bad_alloc&) {
        failure = Error("E_LIMIT", "not enough memory for this evaluation", "Send fewer or smaller systems at once.");
      } catch (const std::exception& error) {
        failure = Error("E_INTERNAL", error.what(), "Report this with the input that led here.");
      }
    }

    void settle(Napi::Env env) {
      if (failure) {
        deferred.Reject(errorObject(env, *failure));
        return;
      }
      auto outcomes = Napi::Array::New(env, results.size());
      for (std::uint32_t i = 0; i < results.size(); i++)
        if (const auto& error = results[i].error; error.has_value()) outcomes.Set(i, errorObject(env, *error));
      deferred.Resolve(outcomes);
    }
  };

  // systems: [{numbers, positions, cell?, pbc: bits, owned, trajectory?, energy: Float64Array(1), forces?, …}]
  Napi::Value evaluate(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    const auto list = info[0].As<Napi::Array>();
    auto call = std::make_shared<Call>(env);
    call->potential = potential_;
    call->precision = info[1].ToString().Utf8Value() == "double" ? Precision::double_ : Precision::single;
    call->cancelled = info[2].IsUndefined() ? nullptr : data<std::int32_t>(info[2], "cancel", 1);
    for (std::uint32_t i = 0; i < list.Length(); i++) addSystem(*call, list.Get(i).ToObject());
    auto keep = Napi::Array::New(env, 2);
    keep.Set(0u, list);
    keep.Set(1u, info[2]);
    call->borrowed = Napi::Persistent(keep.As<Napi::Object>());

    auto job = std::make_unique<Job>();
    job->work = [call] { call->run(); };
    job->done = [this, call,
                 self = std::make_shared<Napi::ObjectReference>(Napi::Persistent(Value()))](Napi::Env loop) {
      accountMemory(loop, static_cast<std::int64_t>(potential_->memoryBytes()));
      stages_ = call->stages;
      call->settle(loop);
      call->borrowed.Reset();
      self->Reset();
    };
    executor_->submit(env, std::move(job));
    return call->deferred.Promise();
  }

  void addSystem(Call& call, const Napi::Object& s) const {
    const auto numbers = s.Get("numbers");
    const auto n = static_cast<std::size_t>(numbers.As<Napi::TypedArray>().ElementLength());
    const auto m = static_cast<std::size_t>(members_);
    const int pbc = s.Get("pbc").ToNumber().Int32Value();
    System system{static_cast<int>(n),
                  data<std::int32_t>(numbers, "numbers", n),
                  data<double>(s.Get("positions"), "positions", 3 * n),
                  optionalData<double>(s, "cell", 9),
                  {(pbc & 1) != 0, (pbc & 2) != 0, (pbc & 4) != 0},
                  s.Get("owned").ToNumber().Int32Value(),
                  nullptr};
    if (const auto trajectory = s.Get("trajectory"); !trajectory.IsUndefined()) {
      call.lists.push_back(Trajectory::Unwrap(trajectory.ToObject())->list);
      system.list = call.lists.back().get();
    }
    Result result;
    result.forces = optionalData<double>(s, "forces", 3 * n);
    result.virial = optionalData<double>(s, "virial", 9);
    result.energies = optionalData<double>(s, "energies", n);
    result.virials = optionalData<double>(s, "virials", 9 * n);
    result.memberEnergies = optionalData<double>(s, "memberEnergies", m);
    result.memberForces = optionalData<double>(s, "memberForces", 3 * n * m);
    result.forceDeviations = optionalData<float>(s, "forceDeviations", 3 * n * m);
    result.sigmaEnergy = optionalData<double>(s, "sigmaEnergy", 1);
    result.sigmaEnergies = optionalData<double>(s, "sigmaEnergies", n);
    result.sigmaForces = optionalData<double>(s, "sigmaForces", n);
    result.hierarchicality = optionalData<double>(s, "hierarchicality", n);
    call.systems.push_back(system);
    call.results.push_back(std::move(result));
    call.energies.push_back(data<double>(s.Get("energy"), "energy", 1));
  }

  Napi::Value stages(const Napi::CallbackInfo& info) {
    const Stages& t = stages_;
    auto object = Napi::Object::New(info.Env());
    object.Set("neighbours", t.neighbours);
    object.Set("descriptor", t.descriptor);
    object.Set("network", t.network);
    object.Set("backward", t.backward);
    object.Set("reduce", t.reduce);
    object.Set("flops", t.flops);
    return object;
  }

  Napi::Value memoryBytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(potential_->memoryBytes()));
  }
  Napi::Value peak(const Napi::CallbackInfo& info) {
    const auto precision = info[0].ToString().Utf8Value() == "double" ? Precision::double_ : Precision::single;
    return Napi::Number::New(info.Env(), potential_->peak(precision));
  }
  Napi::Value isa(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), potential_->isa()); }

  void accountMemory(Napi::Env env, std::int64_t bytes) {
    Napi::MemoryManagement::AdjustExternalMemory(env, bytes - accounted_);
    accounted_ = bytes;
  }

  std::shared_ptr<mlts::Potential> potential_;
  std::shared_ptr<Executor> executor_;
  Napi::ObjectReference model_;
  Stages stages_;  // of the evaluation settled last
  std::int64_t accounted_ = 0;
  int members_ = 0;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Pool", Pool::define(env));
  exports.Set("Engine", Engine::define(env));
  exports.Set("Trajectory", Trajectory::define(env));
  exports.Set("Trainer", defineTrainer(env));
  exports.Set("isas", Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                const auto names = availableIsas();
                auto array = Napi::Array::New(info.Env(), names.size());
                for (std::uint32_t i = 0; i < names.size(); i++) array.Set(i, names[i]);
                return array;
              }));
  return exports;
}

}  // namespace
}  // namespace mlts::bridge

static Napi::Object initialise(Napi::Env env, Napi::Object exports) { return mlts::bridge::init(env, exports); }
NODE_API_MODULE(mlts, initialise)
