// Batches of rows in columns, and picking rows out of them.
// Arrow 26 has no take or filter for view columns, so both live here, for every engine
// type.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "data/types.h"
#include "millrace/status.h"

namespace millrace::data {

/// A column batch: immutable, shared, at least zero rows.
using Batch = std::shared_ptr<arrow::RecordBatch>;
using ArrayPtr = std::shared_ptr<arrow::Array>;

/// The rows at `indices`, in that order; an index of -1 gives a null row. View columns
/// keep pointing into the buffers of `array`.
Result<ArrayPtr> Take(const arrow::Array& array, std::span<const int32_t> indices);
Result<Batch> Take(const Batch& batch, std::span<const int32_t> indices);

/// The indices of the rows where `mask` (boolean) is true; null counts as false.
std::vector<int32_t> TrueIndices(const arrow::Array& mask);

/// One array out of several of the same type. At least one.
Result<ArrayPtr> Concat(std::span<const ArrayPtr> arrays);
/// One batch out of several of the same schema. At least one.
Result<Batch> Concat(std::span<const Batch> batches);

/// An array of `length` nulls.
Result<ArrayPtr> Nulls(const TypePtr& type, int64_t length);
/// A batch of no rows.
Batch EmptyBatch(const SchemaPtr& schema);

/// A copy whose view columns own their bytes, in buffers no larger than needed: for
/// whoever keeps rows longer than the buffers they came in.
Result<ArrayPtr> Compact(const arrow::Array& array);
Result<Batch> Compact(const Batch& batch);

/// The same values under other Arrow types, for what leaves the engine and what enters
/// it: utf8/binary/large_* <-> views, dictionary -> plain, other time units and zones ->
/// us/UTC. Anything already in an engine type is returned as is. Errors: a type Spark
/// does not have.
Result<Batch> ToEngineTypes(const Batch& batch);
/// The engine type that ToEngineTypes would give.
Result<TypePtr> EngineType(const TypePtr& type);
/// Views as utf8/binary, the rest as is: the types Spark Connect's Arrow results use.
Result<Batch> ToWireTypes(const Batch& batch);

/// Reads rows written as a JSON array of arrays, `[[1, "a"], [null, "b"]]`; for tests.
/// Timestamps are given as "2024-01-01T00:00:01.5Z" text, binary as text, structs as
/// arrays or objects.
Result<Batch> BatchFromJson(const SchemaPtr& schema, std::string_view json);

}  // namespace millrace::data
