#include "app/submit.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/engine.h"
#include "app/submit_hook.h"
#include "base/error.h"
#include "base/uuid.h"
#include "spark_connect/server.h"

extern char** environ;

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

/// A folder that Python finds first, with the hook in it.
class HookFolder {
 public:
  static Result<HookFolder> Make() {
    HookFolder folder;
    folder.path_ = fs::temp_directory_path() / ("millrace-submit-" + MakeUuid());
    std::error_code error;
    fs::create_directory(folder.path_, error);
    std::ofstream file(folder.path_ / "sitecustomize.py");
    file << kSubmitHook;
    if (error || !file.flush()) {
      return ExternalError("Cannot write to {}.", folder.path_.string());
    }
    return folder;
  }
  HookFolder(HookFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  HookFolder& operator=(HookFolder&&) = delete;
  ~HookFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  HookFolder() = default;
  fs::path path_;
};

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ChoosePython(const SubmitArguments& arguments) {
  for (const std::string& python : {arguments.python, Variable("PYSPARK_DRIVER_PYTHON"),
                                    Variable("PYSPARK_PYTHON")}) {
    if (!python.empty()) return python;
  }
  return "python3";
}

std::string ConfJson(const std::vector<std::string>& conf) {
  nlohmann::json json = nlohmann::json::object();
  for (const std::string& entry : conf) {
    const size_t equals = entry.find('=');
    json[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return json.dump();
}

// With one more variable in its environment.
Result<pid_t> Start(const std::string& python, const std::vector<std::string>& command,
                    std::string variable) {
  std::vector<std::string> words = {python};
  words.insert(words.end(), command.begin(), command.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("SPARK_REMOTE=")) env.push_back(*entry);
  }
  env.push_back(variable.data());
  env.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A job in the background ignores SIGINT; the script must hear what is passed on to it.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t passed_on;
  sigemptyset(&passed_on);
  sigaddset(&passed_on, SIGINT);
  sigaddset(&passed_on, SIGTERM);
  posix_spawnattr_setsigdefault(&attributes, &passed_on);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  pid_t pid = 0;
  const int failed =
      posix_spawnp(&pid, python.c_str(), nullptr, &attributes, argv.data(), env.data());
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return pid;
  return ArgumentError("Cannot run {}: {}. Give a Python that has PySpark with --python.",
                       python, std::strerror(failed));
}

// A terminal's Ctrl-C reaches the script by itself; a signal sent to us only is passed
// on.
int AwaitEnd(pid_t pid, const sigset_t& signals) {
  while (true) {
    siginfo_t info{};
    if (sigwaitinfo(&signals, &info) < 0) continue;
    if (info.si_signo != SIGCHLD) {
      if (info.si_code != SI_KERNEL) kill(pid, info.si_signo);
      continue;
    }
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) != pid) continue;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

}  // namespace

Result<int> Submit(const SubmitArguments& arguments) {
  for (const std::string& option : arguments.ignored) {
    std::fprintf(stderr, "millrace: %s has no effect: queries run in this process\n",
                 option.c_str());
  }
  const std::string& script = arguments.command.front();
  if (!fs::is_regular_file(script)) {
    return ArgumentError("There is no script {}.", script);
  }
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const std::string python = ChoosePython(arguments);
  MILLRACE_ASSIGN_OR_RETURN(const HookFolder hook, HookFolder::Make());
  const std::string conf = ConfJson(arguments.conf);
  // Workers of foreachBatch import what lies beside the script; so does the script
  // itself.
  const std::string beside = fs::absolute(script).parent_path().string();
  const std::string before = Variable("PYTHONPATH");
  setenv("PYTHONPATH",
         (hook.path().string() + ":" + beside + (before.empty() ? "" : ":" + before))
             .c_str(),
         1);
  setenv("PYSPARK_REMOTE_INIT_CONF_LEN", "1", 1);
  setenv("PYSPARK_REMOTE_INIT_CONF_0", conf.c_str(), 1);
  setenv("PYSPARK_PYTHON", python.c_str(), 0);
  unsetenv("MASTER");

  spark_connect::ServerOptions options;
  options.port = 0;
  options.token = MakeUuid() + MakeUuid();
  options.python = Variable("PYSPARK_PYTHON");
  MILLRACE_ASSIGN_OR_RETURN(
      const std::unique_ptr<spark_connect::Server> server,
      spark_connect::Server::Start(options, Engine::Instance().environment()));
  MILLRACE_ASSIGN_OR_RETURN(const pid_t pid,
                            Start(python, arguments.command,
                                  fmt::format("SPARK_REMOTE=sc://localhost:{}/;token={}",
                                              server->port(), options.token)));
  return AwaitEnd(pid, signals);
}

}  // namespace millrace::app
