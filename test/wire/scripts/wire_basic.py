import sys
import grpc_recorder
spark=grpc_recorder.session()
n=len(grpc_recorder.LOG)
def step(name):
    global n
    import time; time.sleep(0.3)
    print('=====',name); grpc_recorder.dump(start=n); n=len(grpc_recorder.LOG); sys.stdout.flush()
step('session create')
print(spark.version); step('version')
df=spark.range(3).selectExpr("id","cast(id as string) s")
df.show(); step('show')
df.schema; step('schema')
df.collect(); step('collect')
df.toPandas(); step('toPandas')
df.explain(); step('explain')
spark.createDataFrame([(1,'a')],['x','y']).collect(); step('createDataFrame')
try:
    spark.sql("select nope from range(1)").collect()
except Exception as e:
    print(type(e).__mro__, e, e.getErrorClass() if hasattr(e,'getErrorClass') else '', e.getSqlState())
step('error')
try:
    spark.sql("select cast('x' as int)").collect()
except Exception as e:
    print(type(e), str(e)[:500], e.getErrorClass(), e.getSqlState())
step('runtime error')
spark.sql("select 1 as a").collect(); step('sql')
spark.conf.get('spark.sql.session.timeZone'); step('conf.get')
spark.conf.set('spark.sql.session.timeZone','UTC'); step('conf.set')
print(spark.range(1).isStreaming); step('isStreaming')
spark.interruptAll(); step('interruptAll')
spark.stop(); step('stop')
