// A request as the service receives it. Plans nest deeper than protobuf reads by default:
// a sum of fifty terms is a hundred messages deep. So requests are parsed here, with
// Spark's limit.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/impl/codegen/proto_buffer_reader.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/serialization_traits.h>

#include <memory>

namespace millrace::spark_connect {

/// Spark: spark.connect.grpc.marshallerRecursionLimit.
inline constexpr int kMaxMessageDepth = 1024;

template <typename T>
struct RequestMessage {
  std::shared_ptr<T> message = std::make_shared<T>();
};

}  // namespace millrace::spark_connect

namespace grpc {

template <typename T>
class SerializationTraits<millrace::spark_connect::RequestMessage<T>> {
 public:
  static Status Deserialize(ByteBuffer* buffer,
                            millrace::spark_connect::RequestMessage<T>* request) {
    bool parsed = false;
    {
      ProtoBufferReader reader(buffer);
      if (!reader.status().ok()) return reader.status();
      protobuf::io::CodedInputStream input(&reader);
      input.SetRecursionLimit(millrace::spark_connect::kMaxMessageDepth);
      parsed =
          request->message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
    }
    buffer->Clear();
    if (parsed) return Status::OK;
    return Status(StatusCode::INTERNAL,
                  "The request is no message of Spark Connect, or nests too deep.");
  }
};

}  // namespace grpc
