#include "plan/table_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mem_file_system.h"

namespace millrace::plan {
namespace {

using testing::ElementsAre;

class TableCatalogTest : public testing::Test {
 protected:
  TableInfo Table(const std::vector<std::string>& name) {
    TableInfo table;
    table.id = catalog_.Resolve(name).value();
    table.location = catalog_.Folder(table.id);
    return table;
  }

  static std::string ErrorClass(const Status& status) {
    return status.ok() ? "" : status.error().error_class;
  }

  SessionConf conf_;
  MemFileSystem disk_;
  TableCatalog catalog_{conf_, &disk_};
};

TEST_F(TableCatalogTest, NamesHaveADatabase) {
  EXPECT_EQ(catalog_.Resolve({"T"})->Quoted(), "`spark_catalog`.`default`.`t`");
  EXPECT_EQ(catalog_.Resolve({"spark_catalog", "D", "T"})->Quoted(),
            "`spark_catalog`.`d`.`t`");
  conf_.set_current_database("other");
  EXPECT_EQ(catalog_.Resolve({"t"})->database, "other");
  EXPECT_EQ(ErrorClass(catalog_.Resolve({"a", "b", "c"}).status()),
            "REQUIRES_SINGLE_PART_NAMESPACE");
  EXPECT_EQ(ErrorClass(catalog_.Resolve({"../x"}).status()),
            "INVALID_SCHEMA_OR_RELATION_NAME");
}

TEST_F(TableCatalogTest, RemembersWhatFilesDoNotTell) {
  TableInfo table = Table({"t"});
  table.format = "csv";
  table.schema = data::ParseDdl("a int, k string").value();
  table.partition_columns = {"k"};
  table.comment = "a comment";
  table.options = {{"sep", ";"}};
  table.properties = {{"p", "v"}};
  ASSERT_TRUE(catalog_.Save(table).ok());
  const TableInfo found = catalog_.Find(table.id).value().value();
  EXPECT_EQ(found.format, "csv");
  EXPECT_EQ(data::SchemaToJson(*found.schema), data::SchemaToJson(*table.schema));
  EXPECT_THAT(found.partition_columns, ElementsAre("k"));
  EXPECT_EQ(found.comment, "a comment");
  EXPECT_EQ(found.options, table.options);
  EXPECT_EQ(found.properties, table.properties);
  EXPECT_FALSE(found.external);
  EXPECT_EQ(found.location, table.location);
}

TEST_F(TableCatalogTest, AFolderIsATableOfParquetFiles) {
  ASSERT_TRUE(disk_.MakeDirs("spark-warehouse/lake").ok());
  EXPECT_THAT(catalog_.Tables("default").value(), ElementsAre("lake"));
  EXPECT_EQ(catalog_.Find(*catalog_.Resolve({"lake"})).value()->format, "parquet");
  EXPECT_FALSE(catalog_.Find(*catalog_.Resolve({"sea"})).value().has_value());
}

TEST_F(TableCatalogTest, ADamagedDescriptionIsAnError) {
  const TableInfo table = Table({"t"});
  ASSERT_TRUE(catalog_.Save(table).ok());
  ASSERT_TRUE(disk_.WriteFileAtomically("spark-warehouse/t/_table.json", "{").ok());
  EXPECT_THAT(catalog_.Find(table.id).status().ToString(),
              testing::HasSubstr("spark-warehouse/t/_table.json"));
}

TEST_F(TableCatalogTest, DroppingAnExternalTableKeepsItsFiles) {
  ASSERT_TRUE(disk_.MakeDirs("/data/files").ok());
  TableInfo table = Table({"t"});
  table.external = true;
  table.location = "/data/files";
  ASSERT_TRUE(catalog_.Save(table).ok());
  EXPECT_EQ(catalog_.Find(table.id).value()->location, "/data/files");
  ASSERT_TRUE(catalog_.Drop(table).ok());
  EXPECT_FALSE(catalog_.Find(table.id).value().has_value());
  EXPECT_TRUE(disk_.Stat("/data/files").value().has_value());
}

TEST_F(TableCatalogTest, DatabasesAreFolders) {
  EXPECT_THAT(catalog_.Databases().value(), ElementsAre("default"));
  EXPECT_EQ(ErrorClass(catalog_.Save(Table({"d", "t"}))), "SCHEMA_NOT_FOUND");
  ASSERT_TRUE(catalog_.CreateDatabase("d", false).ok());
  EXPECT_EQ(ErrorClass(catalog_.CreateDatabase("d", false)), "SCHEMA_ALREADY_EXISTS");
  EXPECT_TRUE(catalog_.CreateDatabase("d", true).ok());
  ASSERT_TRUE(catalog_.Save(Table({"d", "t"})).ok());
  EXPECT_THAT(catalog_.Databases().value(), ElementsAre("d", "default"));
  EXPECT_THAT(catalog_.Tables("default").value(), ElementsAre());
  EXPECT_THAT(catalog_.Tables("d").value(), ElementsAre("t"));
  EXPECT_EQ(ErrorClass(catalog_.DropDatabase("d", false, false)), "SCHEMA_NOT_EMPTY");
  ASSERT_TRUE(catalog_.DropDatabase("d", false, true).ok());
  EXPECT_EQ(ErrorClass(catalog_.DropDatabase("d", false, false)), "SCHEMA_NOT_FOUND");
  EXPECT_TRUE(catalog_.DropDatabase("d", true, false).ok());
}

}  // namespace
}  // namespace millrace::plan
