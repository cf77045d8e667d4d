// Spark Connect's DataType message and the engine's types, both ways.
#pragma once

#include "data/types.h"
#include "spark/connect/types.pb.h"

namespace millrace::connect_plan {

/// Errors: UNSUPPORTED_DATATYPE / 0A000 for types Millrace does not have.
Result<data::TypePtr> DecodeType(const spark::connect::DataType& type);

void EncodeType(const arrow::DataType& type, spark::connect::DataType* out);
/// A schema as one struct, with field metadata.
void EncodeSchema(const arrow::Schema& schema, spark::connect::DataType* out);

}  // namespace millrace::connect_plan
