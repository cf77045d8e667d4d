#include "spark_connect/compressed_plan.h"

#include <arrow/util/compression.h>
#include <google/protobuf/io/coded_stream.h>

#include "base/error.h"
#include "spark_connect/request_message.h"

namespace millrace::spark_connect {
namespace {

namespace proto = spark::connect;

// Spark: spark.connect.maxPlanSize. Bounds what a few bytes may become.
constexpr size_t kMaxPlanBytes = size_t{512} << 20;

Error InvalidPlan(std::string_view reason, std::string text) {
  return Error(Fault::kUser, "The Spark Connect plan is invalid. {}", text)
      .Class(fmt::format("CONNECT_INVALID_PLAN.{}", reason), "56K00")
      .Java("org.apache.spark.sql.connect.common.InvalidPlanInput");
}

Error CannotParse(const std::string& why) {
  return InvalidPlan(
             "CANNOT_PARSE",
             fmt::format("Cannot decompress or parse the input plan ({})\nThis may be "
                         "caused by a corrupted compressed plan.\nTo disable plan "
                         "compression, set "
                         "'spark.connect.session.planCompression.threshold' to -1.",
                         why))
      .Param("errorMsg", why);
}

Result<std::string> Inflate(const std::string& data) {
  auto codec = arrow::util::Codec::Create(arrow::Compression::ZSTD);
  if (!codec.ok()) return InternalError("zstd: {}", codec.status().ToString());
  auto decompressor = (*codec)->MakeDecompressor();
  if (!decompressor.ok())
    return InternalError("zstd: {}", decompressor.status().ToString());
  constexpr size_t kStep = size_t{1} << 20;
  std::string plain;
  size_t used = 0;
  size_t filled = 0;
  while (!(*decompressor)->IsFinished()) {
    plain.resize(filled + kStep);
    const auto step =
        (*decompressor)
            ->Decompress(static_cast<int64_t>(data.size() - used),
                         reinterpret_cast<const uint8_t*>(data.data()) + used,
                         static_cast<int64_t>(kStep),
                         reinterpret_cast<uint8_t*>(plain.data()) + filled);
    if (!step.ok()) return CannotParse(step.status().message());
    used += static_cast<size_t>(step->bytes_read);
    filled += static_cast<size_t>(step->bytes_written);
    if (filled > kMaxPlanBytes) {
      return InvalidPlan("PLAN_SIZE_LARGER_THAN_MAX",
                         fmt::format("The plan size is larger than max ({} vs. {})",
                                     filled, kMaxPlanBytes));
    }
    if (step->bytes_read == 0 && step->bytes_written == 0)
      return CannotParse("it is cut short");
  }
  plain.resize(filled);
  return plain;
}

bool Parse(const std::string& bytes, google::protobuf::Message* message) {
  google::protobuf::io::CodedInputStream input(
      reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  input.SetRecursionLimit(kMaxMessageDepth);
  return message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
}

}  // namespace

Status Decompress(proto::Plan* plan) {
  if (!plan->has_compressed_operation()) return Status::OK();
  const proto::Plan::CompressedOperation compressed =
      std::move(*plan->mutable_compressed_operation());
  if (compressed.compression_codec() != proto::COMPRESSION_CODEC_ZSTD) {
    return CannotParse("the compression codec is unknown");
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::string bytes, Inflate(compressed.data()));
  google::protobuf::Message* message = nullptr;
  switch (compressed.op_type()) {
    case proto::Plan::CompressedOperation::OP_TYPE_RELATION:
      message = plan->mutable_root();
      break;
    case proto::Plan::CompressedOperation::OP_TYPE_COMMAND:
      message = plan->mutable_command();
      break;
    default:
      return CannotParse("the type of the operation is unknown");
  }
  if (!Parse(bytes, message)) return CannotParse("it is no relation or command");
  return Status::OK();
}

}  // namespace millrace::spark_connect
