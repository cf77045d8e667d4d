// Reads a topic with librdkafka and forgets every message: what a client library costs
// alone.
#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

[[noreturn]] void Fail(const char* what, const char* why) {
  std::fprintf(stderr, "consume_bench: %s: %s\n", what, why);
  std::exit(1);
}

void Set(rd_kafka_conf_t* conf, const char* key, const char* value) {
  char error[512];
  if (rd_kafka_conf_set(conf, key, value, error, sizeof(error)) != RD_KAFKA_CONF_OK) {
    Fail(key, error);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) Fail("usage", "consume_bench <bootstrap servers> <topic> <messages>");
  const long wanted = std::atol(argv[3]);
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  Set(conf, "bootstrap.servers", argv[1]);
  Set(conf, "group.id", "consume-bench");
  Set(conf, "enable.auto.commit", "false");
  Set(conf, "queued.max.messages.kbytes", "65536");
  char error[512];
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
  if (consumer == nullptr) Fail("consumer", error);
  rd_kafka_poll_set_consumer(consumer);
  const struct rd_kafka_metadata* metadata = nullptr;
  rd_kafka_topic_t* topic = rd_kafka_topic_new(consumer, argv[2], nullptr);
  if (rd_kafka_metadata(consumer, 0, topic, &metadata, 10'000) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    Fail("metadata", "no answer from the broker");
  }
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(8);
  for (int i = 0; i < metadata->topics[0].partition_cnt; ++i) {
    rd_kafka_topic_partition_list_add(all, argv[2], i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_assign(consumer, all);
  rd_kafka_topic_partition_list_destroy(all);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer);
  std::vector<rd_kafka_message_t*> messages(10'000);
  long seen = 0;
  while (seen < wanted) {
    const ssize_t got =
        rd_kafka_consume_batch_queue(queue, 1000, messages.data(), messages.size());
    if (got < 0) Fail("consume", "failed");
    for (ssize_t i = 0; i < got; ++i) {
      if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) ++seen;
      rd_kafka_message_destroy(messages[i]);
    }
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_destroy(topic);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  std::printf("%ld messages\n", seen);
}
