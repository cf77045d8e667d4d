#include "python_worker/worker_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"
#include "connector/source.h"

extern char** environ;

namespace millrace::python_worker {
namespace {

constexpr std::chrono::seconds kStartTimeout(60);

/// A file descriptor that is closed.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { Reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  void Reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error SystemError(std::string_view what, int error) {
  return ExternalError("Starting a Python worker: {}: {}", what, std::strerror(error));
}

uint32_t BigEndian(int32_t value) { return htonl(static_cast<uint32_t>(value)); }

/// The child process. Threading: any thread.
class Process {
 public:
  explicit Process(pid_t pid) : pid_(pid) {}
  ~Process() {
    Kill();
    waitpid(pid_, nullptr, 0);
  }
  /// With the processes it started itself.
  void Kill() const { kill(-pid_, SIGKILL); }
  /// Not reaped, so that its number stays ours.
  bool ended() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           info.si_pid == pid_;
  }

 private:
  const pid_t pid_;
};

class SocketWorker final : public WorkerProcess {
 public:
  SocketWorker(std::string python, std::stop_token stop)
      : python_(std::move(python)), stop_(std::move(stop)) {}

  ~SocketWorker() override {
    on_stop_.reset();
    process_.reset();
    if (output_.joinable()) output_.join();
  }

  Status Launch(const WorkerCommand& command) {
    Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener.get(), generic, length) != 0 || listen(listener.get(), 8) != 0 ||
        getsockname(listener.get(), generic, &length) != 0) {
      return SystemError("listening for it", errno);
    }
    const std::string secret = MakeUuid() + MakeUuid();
    MILLRACE_RETURN_IF_ERROR(Spawn(command, ntohs(address.sin_port), secret));
    on_stop_.emplace(stop_, Killer{&*process_});
    return Accept(listener.get(), secret);
  }

  void PutLong(int64_t value) override {
    for (int shift = 56; shift >= 0; shift -= 8) {
      buffer_.push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift));
    }
  }

  void PutBytes(std::string_view bytes) override {
    const uint32_t size = BigEndian(static_cast<int32_t>(bytes.size()));
    buffer_.append(reinterpret_cast<const char*>(&size), sizeof(size));
    buffer_ += bytes;
  }

  Status Flush() override {
    std::string_view left = buffer_;
    while (!left.empty()) {
      const ssize_t sent = send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return Gone();
      left.remove_prefix(static_cast<size_t>(sent));
    }
    buffer_.clear();
    return Status::OK();
  }

  Result<int32_t> ReadInt() override {
    uint32_t value = 0;
    MILLRACE_RETURN_IF_ERROR(Read(reinterpret_cast<char*>(&value), sizeof(value)));
    return static_cast<int32_t>(ntohl(value));
  }

  Result<std::string> ReadBytes() override {
    MILLRACE_ASSIGN_OR_RETURN(const int32_t size, ReadInt());
    constexpr int32_t kMaxBytes = 64 << 20;
    if (size < 0 || size > kMaxBytes) {
      return InternalError("The Python worker announced a text of {} bytes.", size);
    }
    std::string bytes(static_cast<size_t>(size), '\0');
    MILLRACE_RETURN_IF_ERROR(Read(bytes.data(), bytes.size()));
    return bytes;
  }

 private:
  struct Killer {
    const Process* process;
    void operator()() const { process->Kill(); }
  };

  Status Spawn(const WorkerCommand& command, int port, const std::string& secret) {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const size_t equals = text.find('=');
      if (equals != std::string_view::npos) {
        variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
      }
    }
    for (const auto& [name, value] : command.environment) variables[name] = value;
    variables["PYTHON_WORKER_FACTORY_PORT"] = std::to_string(port);
    variables["PYTHON_WORKER_FACTORY_SECRET"] = secret;
    variables["PYTHONUNBUFFERED"] = "YES";
    std::vector<std::string> texts;
    for (const auto& [name, value] : variables) texts.push_back(name + "=" + value);
    std::vector<char*> env;
    for (std::string& text : texts) env.push_back(text.data());
    env.push_back(nullptr);
    std::string python = command.python;
    std::string flag = "-m";
    std::string module = command.module;
    char* const argv[] = {python.data(), flag.data(), module.data(), nullptr};

    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("making a pipe", errno);
    Fd read_end(ends[0]);
    const Fd write_end(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
    // A group of its own: Ctrl-C is ours to handle. Our threads block signals; it must
    // not.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    pid_t pid = 0;
    const int failed =
        posix_spawnp(&pid, python.c_str(), &actions, &attributes, argv, env.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) return SystemError(python_, failed);
    process_.emplace(pid);
    output_ = std::thread([pipe = std::move(read_end), hidden = command.hidden_prefix] {
      Show(pipe.get(), hidden);
    });
    return Status::OK();
  }

  // Until the worker and all that have its output are gone.
  static void Show(int pipe, const std::string& hidden) {
    std::FILE* const input = fdopen(dup(pipe), "r");
    if (input == nullptr) return;
    char* line = nullptr;
    size_t capacity = 0;
    while (getline(&line, &capacity, input) >= 0) {
      if (!hidden.empty() && std::string_view(line).starts_with(hidden)) continue;
      std::fputs(line, stdout);
      std::fflush(stdout);
    }
    free(line);
    std::fclose(input);
  }

  Status Accept(int listener, const std::string& secret) {
    const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
    while (std::chrono::steady_clock::now() < deadline) {
      if (stop_.stop_requested()) return connector::Cancelled();
      if (process_->ended()) {
        return ExternalError(
            "The Python worker ended before it connected. Does `{} -c \"import "
            "pyspark\"` work? Set PYSPARK_PYTHON to a Python with PySpark.",
            python_);
      }
      pollfd waiting{listener, POLLIN, 0};
      if (poll(&waiting, 1, 50) <= 0) continue;
      socket_ = Fd(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
      const timeval patience{10, 0};
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
      const Result<std::string> given = ReadBytes();
      if (!given.ok() || *given != secret) continue;  // somebody else
      const timeval forever{0, 0};
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
      PutBytes("ok");
      MILLRACE_RETURN_IF_ERROR(Flush());
      return ReadInt().status();  // its process id
    }
    return ExternalError("The Python worker {} did not connect within {} seconds.",
                         python_, kStartTimeout.count());
  }

  Status Read(char* to, size_t size) {
    while (size > 0) {
      const ssize_t got = recv(socket_.get(), to, size, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Gone();
      to += got;
      size -= static_cast<size_t>(got);
    }
    return Status::OK();
  }

  Status Gone() const {
    if (stop_.stop_requested()) return connector::Cancelled();
    return ExternalError(
        "The Python worker {} is gone; what it said is on standard error.", python_);
  }

  const std::string python_;
  const std::stop_token stop_;
  std::optional<Process> process_;
  std::thread output_;
  Fd socket_;
  std::string buffer_;
  std::optional<std::stop_callback<Killer>> on_stop_;
};

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(const WorkerCommand& command,
                                                            std::stop_token stop) {
  auto worker = std::make_unique<SocketWorker>(command.python, std::move(stop));
  MILLRACE_RETURN_IF_ERROR(worker->Launch(command));
  return std::unique_ptr<WorkerProcess>(std::move(worker));
}

}  // namespace millrace::python_worker
