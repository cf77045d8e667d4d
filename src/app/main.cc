// The command line: millrace show, handover, serve, submit.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

#include "app/engine.h"
#include "app/handover.h"
#include "app/serve.h"
#include "app/submit.h"
#include "millrace/millrace.h"

namespace {

struct ShowArguments {
  std::string path;
  int limit = 20;
  bool schema = false;
  bool count = false;
};

// Prints a table of Parquet files as spark.read.parquet(path) would.
millrace::Status Show(const ShowArguments& arguments) {
  MILLRACE_ASSIGN_OR_RETURN(const millrace::SparkSession spark,
                            millrace::SparkSession::Builder().GetOrCreate());
  const millrace::DataFrame table = spark.Read().Parquet(arguments.path);
  if (arguments.schema) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string schema, table.SchemaTree());
    std::printf("%s\n", schema.c_str());
  }
  if (arguments.count) {
    MILLRACE_ASSIGN_OR_RETURN(const int64_t rows, table.Count());
    std::printf("%lld\n", static_cast<long long>(rows));
  }
  if (arguments.schema || arguments.count) return millrace::Status::OK();
  return table.Show(arguments.limit, false);
}

int Report(const millrace::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "millrace: %s\n", status.ToString().c_str());
  return 1;
}

std::string NotEmpty(const std::string& value) {
  return value.empty() ? "must not be empty" : "";
}

std::string IsSetting(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return "";
  return fmt::format("wants key=value, found '{}'", text);
}

// What is wrong with the first word; CLI11 would say only that a subcommand is required.
std::string CheckCommand(const CLI::App& program, int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word.starts_with('-')) return "";
  std::string known;
  for (const CLI::App* command :
       program.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == word) return "";
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  return fmt::format(
      "{} The commands are {}; millrace <command> --help tells more.",
      argc > 1 ? fmt::format("There is no command '{}'.", word) : "A command is missing.",
      known);
}

int WrongWords(const std::string& what) {
  std::fprintf(stderr, "millrace: %s\n", what.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Millrace runs Spark Structured Streaming pipelines natively.");
  program.require_subcommand(1);

  ShowArguments show_arguments;
  CLI::App* show = program.add_subcommand("show", "Print a table of Parquet files.");
  show->add_option("path", show_arguments.path, "Folder or file.")
      ->required()
      ->check(NotEmpty);
  show->add_option("--limit", show_arguments.limit, "How many rows to print.")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  show->add_flag("--schema", show_arguments.schema, "Print the schema instead of rows.");
  show->add_flag("--count", show_arguments.count,
                 "Print the number of rows instead of rows.");

  millrace::app::HandoverArguments handover_arguments;
  std::string to;
  CLI::App* handover = program.add_subcommand(
      "handover",
      "Hand a stateless query and its lake over to Spark, or take them over.");
  handover
      ->add_option("--checkpoint", handover_arguments.checkpoint,
                   "The query's checkpoint.")
      ->required()
      ->check(NotEmpty);
  handover->add_option("--lake", handover_arguments.lake, "The folder the query writes.")
      ->required()
      ->check(NotEmpty);
  handover->add_option("--to", to, "Who goes on with the query.")
      ->required()
      ->check(CLI::IsMember({"spark", "millrace"}));

  millrace::app::ServeArguments serve_arguments;
  CLI::App* serve =
      program.add_subcommand("serve", "Serve PySpark clients, as sc://127.0.0.1:15002.");
  serve->add_option("--host", serve_arguments.host, "Address to listen on.")
      ->check(NotEmpty)
      ->capture_default_str();
  serve
      ->add_option("--port", serve_arguments.port,
                   "Port to listen on; 0 takes a free one.")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  serve
      ->add_option("--token-file", serve_arguments.token_file,
                   "File with the token that clients give (sc://…/;token=…).")
      ->check(NotEmpty);
  serve
      ->add_option("--tls-cert", serve_arguments.tls_cert,
                   "PEM file with the certificate.")
      ->check(NotEmpty);
  serve
      ->add_option("--tls-key", serve_arguments.tls_key, "PEM file with the private key.")
      ->check(NotEmpty);
  serve->add_flag("--no-python", serve_arguments.no_python,
                  "Refuse foreachBatch and foreach, which run functions of clients.");
  serve
      ->add_option("--max-message-mib", serve_arguments.max_message_mib,
                   "Largest request, in MiB.")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  serve
      ->add_option("--max-sessions", serve_arguments.max_sessions,
                   "Sessions at the same time.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();

  millrace::app::SubmitArguments submit_arguments;
  CLI::App* submit =
      program.add_subcommand("submit", "Run a PySpark script: submit script.py …");
  submit->prefix_command();
  submit->add_option("--python", submit_arguments.python, "A Python that has PySpark.")
      ->check(NotEmpty);
  submit
      ->add_option("--conf", submit_arguments.conf,
                   "A setting of the session: key=value.")
      ->check(IsSetting)
      ->allow_extra_args(false);
  for (const char* option :
       {"--master", "--deploy-mode", "--name", "--packages", "--jars", "--repositories",
        "--files", "--archives", "--properties-file", "--driver-memory", "--driver-cores",
        "--driver-java-options", "--executor-memory", "--executor-cores",
        "--num-executors", "--total-executor-cores", "--queue"}) {
    submit
        ->add_option_function<std::string>(
            option,
            [&submit_arguments, option](const std::string& value) {
              submit_arguments.ignored.push_back(std::string(option) + " " + value);
            })
        ->group("");  // known from spark-submit, not shown
  }

  if (const std::string wrong = CheckCommand(program, argc, argv); !wrong.empty()) {
    return WrongWords(wrong);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = program.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (handover->parsed()) {
    using millrace::app::HandoverTo;
    handover_arguments.to = to == "spark" ? HandoverTo::kSpark : HandoverTo::kMillrace;
    return Report(millrace::app::Handover(millrace::app::Engine::Instance().file_system(),
                                          handover_arguments));
  }
  if (serve->parsed()) return Report(millrace::app::Serve(serve_arguments));
  if (submit->parsed()) {
    submit_arguments.command = submit->remaining();
    if (submit_arguments.command.empty()) {
      return WrongWords("submit wants a script: millrace submit script.py [args]");
    }
    if (submit_arguments.command.front().starts_with('-')) {
      return WrongWords(fmt::format(
          "submit does not know the option {}. millrace submit --help lists those it "
          "knows; the script's own follow the script.",
          submit_arguments.command.front()));
    }
    const millrace::Result<int> code = millrace::app::Submit(submit_arguments);
    return code.ok() ? *code : Report(code.status());
  }
  return Report(Show(show_arguments));
}
