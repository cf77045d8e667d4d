import os; os.environ["SPARK_CONNECT_MODE_ENABLED"]="1"
import sys
import warnings; warnings.simplefilter('ignore')
from streaming_support import *
import streaming_support as hz, copy, pyspark
print(pyspark.__version__)
from google.protobuf import text_format
n=0
def dumpb(title,maxlen=1500):
    global n
    time.sleep(0.2); print('=====',title)
    for t,d,m,x in grpc_recorder.LOG[n:]:
        if isinstance(x,str): s=x
        elif isinstance(x,Exception): s=repr(x)[:400].replace('\n',' ')
        else:
            x=copy.deepcopy(x)
            for f in ('session_id','client_type','server_side_session_id','operation_id','response_id','user_context','client_observed_server_side_session_id'):
                try: x.ClearField(f)
                except ValueError: pass
            s=text_format.MessageToString(x,as_one_line=True)
            if s.startswith('execution_progress'): continue
        print(f'{d} {m} {s[:maxlen]}')
    n=len(grpc_recorder.LOG); sys.stdout.flush()
spark=hz.init(); dumpb('init')
print(spark.version); dumpb('version')
df=spark.range(2)
df.show(); dumpb('show')
schema=StructType([StructField('user_id',StringType()),StructField('amount',DoubleType()),StructField('event_time',TimestampType())])
s=Src('c42'); s.add([{'value':'{"user_id":"a","amount":1}'}])
ev=spark.readStream.schema('value string').json(s.dir).select(F.from_json(F.col("value"),schema).alias("data")).select("data.*").filter(F.col('amount')>0).withWatermark('event_time','10 minutes').groupBy(F.window('event_time','5 minutes'),'user_id').agg(F.sum('amount').alias('total')); dumpb('build',2500)
q=ev.writeStream.format('console').outputMode('update').trigger(availableNow=True).start(); dumpb('start',500)
q.awaitTermination(20); q.lastProgress; dumpb('await',600)
df.toPandas(); dumpb('toPandas',500)
try: spark.sql('select nope')
except Exception as e: print(type(e).__name__,str(e)[:100])
dumpb('error',500)
try:
    q=spark.readStream.format('rate').load().writeStream.format('console').outputMode('update').trigger(realTime='5 minutes').start(); q.stop()
except Exception as e: print(type(e).__name__,str(e)[:300])
dumpb('rtm',600)
spark.stop(); dumpb('stop')
