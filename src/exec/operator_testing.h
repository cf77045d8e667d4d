// For tests of operators by themselves: rows in as JSON, rows out as text, one epoch at a
// time.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mem_file_system.h"
#include "exec/operator.h"
#include "state/state_log.h"

namespace millrace::exec {

inline data::SchemaPtr Ddl(std::string_view text) {
  auto schema = data::ParseDdl(text);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  return *schema;
}

inline Batch Rows(std::string_view ddl, std::string_view json) {
  auto batch = data::BatchFromJson(Ddl(ddl), json);
  EXPECT_TRUE(batch.ok()) << batch.status().ToString();
  return *batch;
}

/// A bound column of a schema.
inline expr::ExprPtr ColumnAt(const data::SchemaPtr& schema, int index) {
  const data::FieldPtr& field = schema->field(index);
  return std::make_shared<expr::Column>(static_cast<expr::AttributeId>(index),
                                        field->name(), field->type(), field->nullable(),
                                        index);
}

inline constexpr int64_t kSecond = 1'000'000;

/// Keeps what an operator emits, each row as "a|1|null".
class Collected final : public Emitter {
 public:
  Status Emit(Batch batch) override {
    const auto valid = batch->ValidateFull();
    EXPECT_TRUE(valid.ok()) << valid.ToString();
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::string text;
      for (int i = 0; i < batch->num_columns(); ++i) {
        if (i > 0) text += '|';
        const auto scalar = batch->column(i)->GetScalar(row);
        text += (*scalar)->is_valid ? (*scalar)->ToString() : "null";
      }
      rows.push_back(std::move(text));
    }
    return Status::OK();
  }
  std::vector<std::string> rows;
};

/// Runs one operator epoch by epoch, and keeps what it asks the checkpoint to remember.
class OperatorRunner {
 public:
  explicit OperatorRunner(std::unique_ptr<Operator> op) : op_(std::move(op)) {
    auto log = state::StateLog::Open(&disk_, {.folder = "/state"});
    EXPECT_TRUE(log.ok()) << log.status().ToString();
    log_ = *std::move(log);
  }

  /// One epoch over `inputs` (one list of batches each). Gives the rows emitted.
  std::vector<std::string> Epoch(const std::vector<std::vector<Batch>>& inputs,
                                 Watermark late = 0, Watermark evict = 0) {
    epoch_.late_watermark = late;
    epoch_.evict_watermark = evict;
    Collected out;
    op_->account() = RowAccount();
    Ok(op_->BeginEpoch(epoch_));
    std::vector<int> order(inputs.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    if (op_->first_input() == 1) std::swap(order[0], order[1]);
    for (const int input : order) {
      for (const Batch& batch : inputs[static_cast<size_t>(input)]) {
        op_->account().rows_in += batch->num_rows();
        Ok(op_->Process(input, batch, 0, out));
      }
      Ok(op_->EndInput(input, out));
    }
    Ok(op_->EndEpoch(out));
    EXPECT_TRUE(op_->account().balanced()) << "rows were lost from the account";
    state::StateChanges changes;
    Ok(op_->SaveState({0, 0}, &changes));
    changes_ = changes.count();
    Ok(log_->Write(epoch_.id, changes));
    ++epoch_.id;
    return out.rows;
  }

  /// Gives another operator what the checkpoint holds after the last epoch, as a restart
  /// does.
  void CopyState(Operator& other) {
    Ok(log_->Load(epoch_.id - 1, [&](state::StoreId store, std::string_view key,
                                     std::string_view value) {
      return other.Restore(store, key, value);
    }));
  }

  Operator& op() { return *op_; }
  /// How many keys the last epoch changed in the checkpoint.
  int64_t changes() const { return changes_; }

 private:
  static void Ok(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

  std::unique_ptr<Operator> op_;
  MemFileSystem disk_;
  std::unique_ptr<state::StateLog> log_;
  exec::Epoch epoch_;
  int64_t changes_ = 0;
};

}  // namespace millrace::exec
