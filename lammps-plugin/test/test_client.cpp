// SPDX-License-Identifier: GPL-2.0-or-later
// The client against servers that are busy, forgetful, wrong, slow, gone, or gone and back.
#include <filesystem>
#include <mutex>

#include "check.hpp"
#include "client/client.h"
#include "scripted_server.h"

namespace {

using scripted::Request;
using scripted::Server;

const std::vector<int32_t> numbers{8, 1, 1};
const std::vector<double> positions{0, 0, 0, 1, 0, 0, 0, 1, 0};

mlts::Atoms domain(bool changed = false) { return {numbers, positions, changed, std::nullopt, 2}; }

// A fresh ipc endpoint, gone with its folder.
class Endpoint {
 public:
  Endpoint() {
    char name[] = "/tmp/mlts-client-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~Endpoint() { std::filesystem::remove_all(folder_); }
  std::string text() const { return "ipc://" + folder_ + "/socket"; }

 private:
  std::string folder_;
};

mlts::ClientOptions options(const Endpoint& endpoint, double timeout = 5) {
  mlts::ClientOptions options;
  options.endpoint = endpoint.text();
  options.timeout = options.connectTimeout = timeout;
  return options;
}

double secondsSince(mlts::Clock::time_point start) {
  return std::chrono::duration<double>(mlts::Clock::now() - start).count();
}

std::string messageOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const mlts::Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) std::printf("'%s' lacks '%s'\n", text.c_str(), part.c_str());
  return found;
}

// A healthy server but for one reply to the nth evaluation (from 1).
Server::Script except(int nth, const Server::Script& reply) {
  auto count = std::make_shared<int>(0);
  return [=](const Request& request) {
    return request.type == "evaluate" && ++*count == nth ? reply(request) : scripted::healthy(request);
  };
}

}  // namespace

TEST(a_healthy_server_answers_step_after_step) {
  const Endpoint endpoint;
  std::vector<Request> seen;
  {
    const Server server(endpoint.text(), [&](const Request& request) {
      seen.push_back(request);
      return scripted::healthy(request);
    });
    CHECK(server.bound());
    mlts::Client client(options(endpoint), "test");
    CHECK(client.model().name == "soft" && client.model().members == 2);
    for (int step = 0; step < 3; step++) {
      const auto& got = client.evaluate(domain(step != 1), mlts::wantForces);
      CHECK_CLOSE(got.energy, -1, 0, 0);
      CHECK(got.forces.size() == 9);
      CHECK_CLOSE(got.forces[8], 9, 0, 0);
    }
    client.evaluate(domain(), mlts::wantForces);
  }
  // hello, open, then positions only; numbers again only with atoms that changed.
  CHECK(seen.size() >= 6);
  CHECK(seen[0].type == "hello" && seen[1].type == "open" && seen[1].hasNumbers);
  CHECK(seen[2].type == "evaluate" && !seen[2].hasNumbers && !seen[2].hasWant);
  CHECK(!seen[3].hasNumbers);
  CHECK(seen[4].hasNumbers);
  CHECK(!seen[5].hasNumbers);
}

TEST(a_whole_system_sends_its_cell_where_it_changed) {
  const Endpoint endpoint;
  std::vector<Request> seen;
  int failures = 0;
  const Server server(endpoint.text(), [&](const Request& request) {
    seen.push_back(request);
    if (request.type == "evaluate" && failures-- == 1) return scripted::errorReply(request, "E_OVERLAP");
    return scripted::healthy(request);
  });
  mlts::Client client(options(endpoint), "test");
  mlts::Box box{{9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, false}};
  const auto step = [&] { client.evaluate({numbers, positions, false, box}, mlts::wantForces); };
  step();  // hello, open, evaluate
  CHECK(seen[1].type == "open" && !seen[1].isDomain);
  CHECK(seen[2].hasCell && !seen[2].isDomain && !seen[2].hasNumbers);
  step();
  CHECK(!seen[3].hasCell);
  box.cell[8] = 10;
  step();
  CHECK(seen[4].hasCell);
  failures = 1;
  CHECK_THROWS(step(), "E_OVERLAP");
  step();  // what the server took of the failed one is not known
  CHECK(seen[6].hasCell && seen[6].hasNumbers);
  step();
  CHECK(!seen[7].hasCell && !seen[7].hasNumbers);
  box.pbc[2] = true;
  step();  // other directions, and with them another session
  CHECK(seen.size() == 11 && seen[8].type == "close" && seen[9].type == "open" && seen[10].hasCell);
  client.evaluate(domain(), mlts::wantForces);
  CHECK(seen[11].type == "close" && seen[12].isDomain && seen[13].isDomain && !seen[13].hasCell);
}

TEST(a_changed_want_is_sent) {
  const Endpoint endpoint;
  std::vector<Request> seen;
  const Server server(endpoint.text(), [&](const Request& request) {
    seen.push_back(request);
    return scripted::healthy(request);
  });
  mlts::Client client(options(endpoint), "test");
  client.evaluate(domain(), mlts::wantForces);
  CHECK_THROWS(client.evaluate(domain(), mlts::wantForces | mlts::wantVirial), "E_PROTOCOL");  // it brings none
  CHECK(seen.back().hasWant);
}

TEST(a_busy_server_is_asked_again) {
  for (const char* code : {"E_BUSY", "E_SHUTDOWN"}) {
    const Endpoint endpoint;
    const Server server(endpoint.text(), except(1, [&](const Request& r) { return scripted::errorReply(r, code); }));
    mlts::Client client(options(endpoint), "test");
    CHECK_CLOSE(client.evaluate(domain(), mlts::wantForces).energy, -1, 0, 0);
  }
}

TEST(a_server_that_stays_busy_is_left_when_the_time_is_up) {
  const Endpoint endpoint;
  const Server server(endpoint.text(), [](const Request& r) {
    return r.type == "evaluate" ? scripted::errorReply(r, "E_BUSY") : scripted::healthy(r);
  });
  mlts::Client client(options(endpoint, 0.5), "test");
  const auto start = mlts::Clock::now();
  CHECK_THROWS(client.evaluate(domain(), mlts::wantForces), "E_BUSY");
  CHECK(secondsSince(start) < 1);
}

TEST(a_forgotten_session_is_opened_again) {
  const Endpoint endpoint;
  int opened = 0;
  const auto script = except(2, [](const Request& r) { return scripted::errorReply(r, "E_SESSION"); });
  const Server server(endpoint.text(), [&](const Request& r) {
    opened += r.type == "open";
    return script(r);
  });
  mlts::Client client(options(endpoint), "test");
  client.evaluate(domain(), mlts::wantForces);
  CHECK_CLOSE(client.evaluate(domain(), mlts::wantForces).energy, -1, 0, 0);
  CHECK(opened == 2);
}

TEST(answers_to_given_up_requests_are_dropped) {
  const Endpoint endpoint;
  const Server server(endpoint.text(), except(1, [](Request r) {
                        r.id -= 1;
                        return scripted::evaluateReply(r, 12345);
                      }));
  mlts::Client client(options(endpoint, 0.5), "test");
  CHECK_THROWS(client.evaluate(domain(), mlts::wantForces), "E_TIMEOUT");
}

TEST(wrong_answers_are_refused) {
  const struct {
    const char* code;
    std::function<std::string(const Request&)> reply;
  } cases[] = {
      {"E_HASH", [](const Request& r) { return scripted::evaluateReply(r, -1, std::string(64, 'b')); }},
      {"E_NONFINITE", [](const Request& r) { return scripted::evaluateReply(r, std::nan("")); }},
      {"E_NONFINITE", [](const Request& r) { return scripted::evaluateReply(r, INFINITY); }},
      {"E_PROTOCOL", [](Request r) { return r.atoms--, scripted::evaluateReply(r); }},
      {"E_PROTOCOL", [](const Request& r) { return scripted::openReply(r).replace(7, 1, "z"); }},
      {"E_PROTOCOL", [](const Request&) { return std::string("\xc1garbage"); }},
      {"E_PROTOCOL", [](Request r) { return r.type = "ping", scripted::evaluateReply(r); }},
      {"E_OVERLAP", [](const Request& r) { return scripted::errorReply(r, "E_OVERLAP"); }},
  };
  for (const auto& c : cases) {
    const Endpoint endpoint;
    const Server server(endpoint.text(), except(1, c.reply));
    mlts::Client client(options(endpoint), "test");
    CHECK(contains(messageOf([&] { client.evaluate(domain(), mlts::wantForces); }), c.code));
    // The client is still of use, and the server still gets the numbers that it may have missed.
    CHECK_CLOSE(client.evaluate(domain(), mlts::wantForces).energy, -1, 0, 0);
  }
}

TEST(a_silent_server_is_left_when_the_time_is_up) {
  const Endpoint endpoint;
  const Server server(endpoint.text(), except(1, [](const Request&) { return std::string(); }));
  mlts::Client client(options(endpoint, 0.5), "test");
  const auto start = mlts::Clock::now();
  const std::string message = messageOf([&] { client.evaluate(domain(), mlts::wantForces); });
  CHECK(contains(message, "E_TIMEOUT: the server at " + endpoint.text() + " did not answer 'evaluate' within 0.5 s"));
  CHECK(secondsSince(start) > 0.45 && secondsSince(start) < 1);
}

TEST(nobody_at_the_endpoint) {
  const Endpoint endpoint;
  const std::string message = messageOf([&] { mlts::Client(options(endpoint, 0.3), "test"); });
  CHECK(contains(message,
                 "E_CONNECT: no server answers at " + endpoint.text() + " within 0.3 s. Start one with `mlts serve"));
}

TEST(a_server_that_starts_later_is_waited_for) {
  const Endpoint endpoint;
  std::unique_ptr<Server> server;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    server = std::make_unique<Server>(endpoint.text(), scripted::healthy);
  });
  const mlts::Client client(options(endpoint), "test");
  later.join();
  CHECK(client.model().name == "soft");
}

TEST(no_endpoint_at_all) {
  mlts::ClientOptions wrong;
  for (const char* text : {"nonsense", "tcp://127.0.0.1", "carrier-pigeon://roof"}) {
    wrong.endpoint = text;
    CHECK_THROWS(mlts::Client(wrong, "test"), "E_ADDRESS");
  }
}

TEST(a_server_that_comes_back_is_asked_anew) {
  const Endpoint endpoint;
  auto first = std::make_unique<Server>(endpoint.text(), except(2, [](const Request&) { return std::string(); }));
  mlts::Client client(options(endpoint, 10), "test");
  client.evaluate(domain(), mlts::wantForces);
  std::unique_ptr<Server> second;
  std::thread replace([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    first.reset();  // while the client waits for its second answer
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    second = std::make_unique<Server>(endpoint.text(), scripted::healthy);
  });
  CHECK_CLOSE(client.evaluate(domain(), mlts::wantForces).energy, -1, 0, 0);
  replace.join();
  CHECK(client.recoveries() == 1);
}

TEST(a_server_that_was_replaced_between_steps_is_noticed) {
  const Endpoint endpoint;
  auto server = std::make_unique<Server>(endpoint.text(), scripted::healthy);
  mlts::Client client(options(endpoint, 10), "test");
  client.evaluate(domain(), mlts::wantForces);
  server.reset();
  std::atomic<int> opened{0};
  server = std::make_unique<Server>(endpoint.text(), [&](const Request& r) {
    opened += r.type == "open";
    return scripted::healthy(r);
  });
  client.evaluate(domain(), mlts::wantForces);
  CHECK(opened == 1);
}

TEST(a_server_that_stays_away_is_left_when_the_time_is_up) {
  const Endpoint endpoint;
  auto server = std::make_unique<Server>(endpoint.text(), scripted::healthy);
  mlts::Client client(options(endpoint, 0.7), "test");
  client.evaluate(domain(), mlts::wantForces);
  server.reset();
  const auto start = mlts::Clock::now();
  const std::string message = messageOf([&] { client.evaluate(domain(), mlts::wantForces); });
  CHECK(contains(message,
                 "E_CONNECT: the server at " + endpoint.text() + " closed the connection and did not come back"));
  CHECK(secondsSince(start) < 1.5);
}

TEST(a_newer_protocol_is_refused) {
  const Endpoint endpoint;
  const Server server(endpoint.text(), [](const Request& r) { return scripted::helloReply(r, 2); });
  CHECK_THROWS(mlts::Client(options(endpoint), "test"), "E_VERSION");
}

TEST(a_model_that_is_not_there) {
  const Endpoint endpoint;
  const Server server(endpoint.text(), scripted::healthy);
  auto wrong = options(endpoint);
  wrong.model = "ani-9x";
  CHECK(contains(messageOf([&] { mlts::Client(wrong, "test"); }),
                 "E_MODEL_NOT_FOUND: the server at " + endpoint.text() + " has no model 'ani-9x'; it has soft"));
}

int main() { return check::main(); }
