#include "connectors/kafka/fetch/connection.h"

#include <arrow/buffer.h>

#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "connector/source.h"
#include "connectors/kafka/column_parts.h"
#include "connectors/kafka/fetch/sasl.h"

namespace millrace::connectors::kafka::fetch {
namespace {

using Clock = std::chrono::steady_clock;
using BufferPtr = std::shared_ptr<arrow::Buffer>;

constexpr int32_t kMostBytes = std::numeric_limits<int32_t>::max() - kReadAhead;
// Of answers before the first fetch: what is longer was not sent by a Kafka broker.
constexpr int32_t kMostHandshakeBytes = 1 << 20;

Bytes AnswerIn(const BufferPtr& buffer) {
  return {buffer->data(), static_cast<size_t>(buffer->size() - kReadAhead)};
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::Open(const Endpoint& endpoint,
                                                     const FetchSettings& settings,
                                                     const TlsContext* tls,
                                                     std::stop_token stop) {
  const Socket::Deadline deadline = Clock::now() + settings.connect_timeout;
  MILLRACE_ASSIGN_OR_RETURN(
      auto socket,
      Socket::Connect(endpoint, settings.address_family, tls, deadline, stop));
  std::unique_ptr<Connection> connection(new Connection(std::move(socket), settings));
  const auto open = [&]() -> Status {
    const int32_t correlation = ++connection->correlation_;
    MILLRACE_ASSIGN_OR_RETURN(
        const BufferPtr versions,
        connection->Ask(EncodeApiVersions(correlation, settings.client_id), deadline,
                        stop));
    MILLRACE_ASSIGN_OR_RETURN(connection->fetch_version_,
                              DecodeFetchVersion(AnswerIn(versions), correlation));
    if (!settings.sasl) return Status::OK();
    return connection->LogIn(*settings.sasl, deadline, stop);
  };
  const Status opened = open();
  if (opened.ok()) return connection;
  if (connector::IsCancelled(opened)) return opened;
  const std::string& reason = opened.error().message;
  const std::string broker = ToString(endpoint);
  if (reason.find(broker) != std::string::npos) return opened;
  return ExternalError("Kafka broker {}: {}", broker, reason);
}

Status Connection::LogIn(const SaslSettings& sasl, Socket::Deadline deadline,
                         const std::stop_token& stop) {
  MILLRACE_ASSIGN_OR_RETURN(
      BufferPtr answer,
      Ask(EncodeSaslHandshake(++correlation_, settings_.client_id, sasl.mechanism),
          deadline, stop));
  MILLRACE_RETURN_IF_ERROR(
      DecodeSaslHandshake(AnswerIn(answer), correlation_, sasl.mechanism));
  const auto client =
      MakeSaslClient(sasl.mechanism, sasl.user, sasl.password, MakeNonce());
  std::string heard;
  while (true) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<std::string> token,
                              client->Next(heard));
    if (!token) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(
        answer, Ask(EncodeSaslAuthenticate(++correlation_, settings_.client_id, *token),
                    deadline, stop));
    MILLRACE_ASSIGN_OR_RETURN(heard,
                              DecodeSaslAuthenticate(AnswerIn(answer), correlation_));
  }
}

Result<BufferPtr> Connection::Ask(const std::string& request, Socket::Deadline deadline,
                                  const std::stop_token& stop) {
  MILLRACE_RETURN_IF_ERROR(SendFrame(request, deadline, stop));
  return ReceiveFrame(kMostHandshakeBytes, deadline, stop);
}

Status Connection::SendFrame(const std::string& request, Socket::Deadline deadline,
                             const std::stop_token& stop) {
  WireWriter frame;
  frame.Number(static_cast<int32_t>(request.size()));
  frame.Raw(request);
  return socket_->Write(frame.Take(), deadline, stop);
}

Result<BufferPtr> Connection::ReceiveFrame(int32_t most, Socket::Deadline deadline,
                                           const std::stop_token& stop) {
  std::array<uint8_t, sizeof(int32_t)> head{};
  MILLRACE_RETURN_IF_ERROR(socket_->Read(head.data(), head.size(), deadline, stop));
  const auto size = Load<int32_t>(head.data());
  if (size < 0 || size > most) {
    return ExternalError("Kafka broker {}: an answer of {} bytes, which it cannot have",
                         ToString(endpoint()), size);
  }
  MILLRACE_ASSIGN_OR_RETURN(BufferPtr buffer, AllocateBytes(size + kReadAhead));
  std::memset(buffer->mutable_data() + size, 0, kReadAhead);
  MILLRACE_RETURN_IF_ERROR(
      socket_->Read(buffer->mutable_data(), static_cast<size_t>(size), deadline, stop));
  return buffer;
}

Status Connection::Send(FetchRequest& request, std::stop_token stop) {
  request.version = fetch_version_;
  return SendFrame(EncodeFetch(++correlation_, settings_.client_id, request),
                   Clock::now() + settings_.answer_timeout, stop);
}

Result<Connection::Received> Connection::Receive(std::stop_token stop) {
  Received received;
  MILLRACE_ASSIGN_OR_RETURN(
      received.buffer,
      ReceiveFrame(kMostBytes, Clock::now() + settings_.answer_timeout, stop));
  MILLRACE_ASSIGN_OR_RETURN(received.answer, DecodeFetch(AnswerIn(received.buffer),
                                                         correlation_, fetch_version_));
  return received;
}

}  // namespace millrace::connectors::kafka::fetch
