#include "connectors/kafka/fetch/test_broker.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace millrace::connectors::kafka::fetch {
namespace {

constexpr int16_t kFetchVersion = 11;

bool ReadAllOf(int fd, char* to, size_t size) {
  while (size > 0) {
    const ssize_t got = recv(fd, to, size, 0);
    if (got <= 0) return false;
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

std::string Versions(int32_t correlation) {
  WireWriter out;
  out.Number(correlation);
  out.Number(int16_t{0});
  out.Array(1);
  for (const int16_t number : {int16_t{1}, int16_t{0}, kFetchVersion}) out.Number(number);
  return out.Take();
}

TestBroker::Fetch ParseFetch(WireReader in, int32_t correlation) {
  TestBroker::Fetch fetch;
  fetch.correlation = correlation;
  in.String();  // client id
  for (int i = 0; i < 4; ++i) in.Number<int32_t>();
  in.Number<int8_t>();
  for (int i = 0; i < 2; ++i) in.Number<int32_t>();
  for (size_t topics = in.Array(1); topics > 0; --topics) {
    EXPECT_EQ(in.String(), "t");
    for (size_t count = in.Array(1); count > 0; --count) {
      const auto partition = in.Number<int32_t>();
      in.Number<int32_t>();
      fetch.partitions.emplace_back(partition, in.Number<int64_t>());
      in.Number<int64_t>();
      in.Number<int32_t>();
    }
  }
  EXPECT_TRUE(in.ok());
  return fetch;
}

}  // namespace

TestBroker::TestBroker(Reply reply) : reply_(std::move(reply)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener_, any, size), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  EXPECT_EQ(getsockname(listener_, any, &size), 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { Accept(); });
}

TestBroker::~TestBroker() {
  shutdown(listener_, SHUT_RDWR);  // ends accept
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  servers_.clear();  // joins
  for (const int fd : open_) close(fd);
  close(listener_);
}

void TestBroker::Accept() {
  for (int connection = 0;; ++connection) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    servers_.emplace_back([this, fd, connection] { Serve(fd, connection); });
  }
}

void TestBroker::Serve(int fd, int connection) {
  while (true) {
    std::string head(sizeof(int32_t), '\0');
    if (!ReadAllOf(fd, head.data(), head.size())) return;
    std::string request(Load<uint32_t>(AsBytes(head).data()), '\0');
    if (!ReadAllOf(fd, request.data(), request.size())) return;
    WireReader in(AsBytes(request));
    const auto key = in.Number<int16_t>();
    in.Number<int16_t>();
    const auto correlation = in.Number<int32_t>();
    std::optional<std::string> answer;
    if (key == 1) {
      Fetch fetch = ParseFetch(in, correlation);
      fetch.number = fetches_++;
      fetch.connection = connection;
      answer = reply_(fetch);
    } else {
      answer = Versions(correlation);
    }
    if (!answer) {
      shutdown(fd, SHUT_RDWR);
      return;
    }
    WireWriter frame;
    frame.Number(static_cast<int32_t>(answer->size()));
    frame.Raw(*answer);
    const std::string bytes = frame.Take();
    if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return;
  }
}

std::string ReplyWith(const TestBroker::Fetch& fetch, int32_t partition, ErrorCode error,
                      const std::string& records, int64_t high_watermark) {
  TestAnswer test = {
      .correlation = fetch.correlation, .version = kFetchVersion, .answer = {}};
  test.answer.partitions = {
      {"t", partition, error, high_watermark, high_watermark, {}, AsBytes(records)}};
  return EncodeAnswer(test);
}

}  // namespace millrace::connectors::kafka::fetch
