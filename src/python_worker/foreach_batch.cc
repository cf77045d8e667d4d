#include "python_worker/foreach_batch.h"

#include <cctype>

#include "base/error.h"
#include "python_worker/worker_process.h"

namespace millrace::python_worker {
namespace {

using connector::BatchId;

// What PySpark's workers print on their own begins so; one line holds the address with
// its token.
constexpr std::string_view kWorkerLog = "Streaming ForeachBatch worker";
constexpr int32_t kPythonException = -2;  // SpecialLengths.PYTHON_EXCEPTION_THROWN

// Runs the function of foreach() in the worker of foreachBatch(): one partition, and the
// number of the batch where PySpark's wrapper looks for it.
constexpr std::string_view kForeachSource = R"(
import pickle
def make(data):
    function = pickle.loads(data)[0]
    def run(frame, epoch):
        from pyspark.taskcontext import TaskContext
        context = TaskContext._getOrCreate()
        context._localProperties = {"streaming.sql.batchId": str(epoch)}
        for _ in function(0, frame.toLocalIterator()):
            pass
    return run
)";

void PutLittleEndian(std::string* out, size_t size) {
  for (int shift = 0; shift < 32; shift += 8)
    out->push_back(static_cast<char>(size >> shift));
}

// A Python string literal.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\n') {
      quoted += "\\n";
    } else {
      if (c == '\'' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "'";
}

// Pickle, protocol 3, of make(data): what unpickles to the result of that call.
std::string PickleOfCall(std::string_view source, const std::string& data) {
  const std::string expression =
      "(lambda scope: exec(" + Quoted(source) + ", scope) or scope['make'])({})";
  std::string pickle = "\x80\x03";
  pickle += "cbuiltins\neval\n";  // GLOBAL
  pickle += 'X';                  // BINUNICODE
  PutLittleEndian(&pickle, expression.size());
  pickle += expression;
  pickle += "\x85R";  // TUPLE1, REDUCE: the function make
  pickle += 'B';      // BINBYTES
  PutLittleEndian(&pickle, data.size());
  pickle += data;
  pickle += "\x85R.";  // TUPLE1, REDUCE, STOP
  return pickle;
}

std::string PercentEncoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

class BatchWriter final : public connector::SinkWriter {
 public:
  explicit BatchWriter(std::vector<data::Batch>* rows) : rows_(rows) { rows_->clear(); }

  Status Write(const data::Batch& batch) override {
    MILLRACE_ASSIGN_OR_RETURN(data::Batch kept, data::Compact(batch));
    rows_->push_back(std::move(kept));
    return Status::OK();
  }
  Result<connector::CommitMessage> Prepare() override {
    return connector::CommitMessage{};
  }
  void Abort() noexcept override { rows_->clear(); }

 private:
  std::vector<data::Batch>* const rows_;
};

class ForeachSink final : public connector::Sink {
 public:
  ForeachSink(ForeachFunction function, data::SchemaPtr schema, BatchFrames frames,
              std::string session_id, std::string user_id, WorkerCommand command,
              std::stop_token stop)
      : function_(std::move(function)),
        schema_(std::move(schema)),
        frames_(std::move(frames)),
        session_id_(std::move(session_id)),
        user_id_(std::move(user_id)),
        command_(std::move(command)),
        stop_(std::move(stop)) {}

  std::string description() const override {
    return function_.kind == FunctionKind::kForeach ? "ForeachWriterTable"
                                                    : "ForeachBatchSink";
  }

  Result<std::unique_ptr<connector::SinkWriter>> Open(BatchId, int) override {
    return std::unique_ptr<connector::SinkWriter>(std::make_unique<BatchWriter>(&rows_));
  }

  Status Commit(BatchId batch, std::span<const connector::CommitMessage>) override {
    if (worker_ == nullptr) MILLRACE_RETURN_IF_ERROR(StartWorker());
    const std::string frame = frames_.add(schema_, std::exchange(rows_, {}));
    worker_->PutBytes(frame);
    worker_->PutLong(batch);
    Status done = worker_->Flush();
    if (done.ok()) done = AwaitAnswer();
    frames_.remove(frame);
    return done;
  }

  connector::DeliveryGuarantee guarantee() const override {
    return connector::DeliveryGuarantee::kAtLeastOnce;
  }
  bool counts_rows() const override { return false; }

  /// Started with the query, so that a function that cannot be unpickled fails the start.
  Status StartWorker() {
    MILLRACE_ASSIGN_OR_RETURN(worker_, WorkerProcess::Start(command_, stop_));
    worker_->PutBytes(function_.python_version);
    worker_->PutBytes(session_id_);
    worker_->PutBytes(function_.kind == FunctionKind::kForeach
                          ? PickleOfCall(kForeachSource, function_.command)
                          : function_.command);
    MILLRACE_RETURN_IF_ERROR(worker_->Flush());
    return AwaitAnswer();
  }

 private:
  Status AwaitAnswer() {
    MILLRACE_ASSIGN_OR_RETURN(const int32_t answer, worker_->ReadInt());
    if (answer == 0) return Status::OK();
    if (answer != kPythonException) {
      return InternalError("The Python worker answered {}.", answer);
    }
    MILLRACE_ASSIGN_OR_RETURN(const std::string traceback, worker_->ReadBytes());
    const std::string what = fmt::format(
        "[session: {}] [userId: {}] Found error inside {} Python process", session_id_,
        user_id_, function_.kind == FunctionKind::kForeach ? "foreach" : "foreachBatch");
    return Error(Fault::kUser, "{}: {}", what, traceback)
        .Class("PYTHON_EXCEPTION", "38000")
        .Java("org.apache.spark.api.python.PythonException")
        .Param("msg", what)
        .Param("traceback", traceback);
  }

  const ForeachFunction function_;
  const data::SchemaPtr schema_;
  const BatchFrames frames_;
  const std::string session_id_;
  const std::string user_id_;
  const WorkerCommand command_;
  const std::stop_token stop_;
  std::vector<data::Batch> rows_;
  std::unique_ptr<WorkerProcess> worker_;
};

class ForeachSinkProvider final : public connector::SinkProvider {
 public:
  ForeachSinkProvider(const PythonOptions& options, ForeachFunction function,
                      std::string user_id, BatchFrames frames)
      : options_(options),
        function_(std::move(function)),
        user_id_(std::move(user_id)),
        frames_(std::move(frames)) {}

  std::string_view name() const override { return "foreachBatch"; }
  std::span<const OptionSpec> options() const override { return {}; }
  bool supports(connector::OutputMode) const override { return true; }
  bool needs_checkpoint() const override { return false; }

  Result<std::unique_ptr<connector::Sink>> Make(
      const Options&, const data::SchemaPtr& schema,
      const connector::SinkContext& context) const override {
    WorkerCommand command;
    command.python = options_.python;
    command.module = "pyspark.sql.connect.streaming.worker.foreach_batch_worker";
    command.environment["SPARK_CONNECT_LOCAL_URL"] =
        options_.connect_url.get() + ";user_id=" + PercentEncoded(user_id_);
    command.hidden_prefix = kWorkerLog;
    auto sink =
        std::make_unique<ForeachSink>(function_, schema, frames_, context.session_id,
                                      user_id_, std::move(command), context.stop);
    MILLRACE_RETURN_IF_ERROR(sink->StartWorker());
    return std::unique_ptr<connector::Sink>(std::move(sink));
  }

 private:
  const PythonOptions& options_;
  const ForeachFunction function_;
  const std::string user_id_;
  const BatchFrames frames_;
};

}  // namespace

std::unique_ptr<connector::SinkProvider> MakeForeachSinkProvider(
    const PythonOptions& options, ForeachFunction function, std::string user_id,
    BatchFrames frames) {
  return std::make_unique<ForeachSinkProvider>(options, std::move(function),
                                               std::move(user_id), std::move(frames));
}

}  // namespace millrace::python_worker
