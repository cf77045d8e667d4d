import os; os.environ["SPARK_CONNECT_MODE_ENABLED"]="1"
import sys
from streaming_support import *
import streaming_support as hz
spark=hz.init()
n=0
import copy
from google.protobuf import text_format
def dumpb(title,maxlen=3500):
    global n
    time.sleep(0.2)
    print('=====',title)
    for t,d,m,x in grpc_recorder.LOG[n:]:
        if m=='ReleaseExecute': continue
        if isinstance(x,(str,)): s=x
        elif isinstance(x,Exception): s=repr(x)[:800]
        else:
            x=copy.deepcopy(x)
            for f in ('session_id','client_type','server_side_session_id','operation_id','response_id','user_context','client_observed_server_side_session_id','request_options'):
                try: x.ClearField(f)
                except ValueError: pass
            s=text_format.MessageToString(x,as_one_line=True)
            if s.startswith('execution_progress'): continue
        print(f'{d} {m} {s[:maxlen]}')
    n=len(grpc_recorder.LOG); sys.stdout.flush()
# produce kafka
df=spark.createDataFrame([('k1','{"user_id":"a","amount":12.5,"event_time":"2024-01-01T00:00:01Z"}'),('k2','{"user_id":"b","amount":1,"event_time":"2024-01-01T00:00:02Z"}')],'key string, value string')
df.write.format('kafka').option('kafka.bootstrap.servers',os.environ['WIRE_KAFKA']).option('topic',os.environ['WIRE_TOPIC']).save()
dumpb('batch kafka write')
schema=StructType([StructField('user_id',StringType()),StructField('amount',DoubleType()),StructField('event_time',TimestampType())])
raw=spark.readStream.format('kafka').option('kafka.bootstrap.servers',os.environ['WIRE_KAFKA']).option('subscribe',os.environ['WIRE_TOPIC']).option('startingOffsets','earliest').option('maxOffsetsPerTrigger',100).option('includeHeaders','true').load()
print(raw.schema.json()); dumpb('kafka schema')
ev=raw.selectExpr("CAST(value AS STRING)").select(F.from_json(F.col("value"),schema).alias("data")).select("data.*")
print(ev.schema.simpleString()); dumpb('from_json schema')
ev2=raw.select(F.from_json(F.col("value").cast("string"),"user_id STRING, amount DOUBLE, event_time TIMESTAMP",{'mode':'PERMISSIVE'}).alias("d")).select("d.*")
ev2.schema; dumpb('from_json DDL+options')
agg=ev.filter(F.col('amount')>0).withWatermark('event_time','10 minutes').groupBy(F.window('event_time','5 minutes'),'user_id').agg(F.sum('amount').alias('total'),F.count('*').alias('n'),F.count('amount'),F.avg('amount'),F.min('amount'),F.max('amount'),F.approx_count_distinct('user_id').alias('u'))
agg.schema; dumpb('agg schema')
agg.groupBy(F.window(F.col('event_time') if False else F.col('window').start,'10 minutes','5 minutes','1 minute')).count().schema; dumpb('slide window',1500)
q=agg.writeStream.format('console').outputMode('update').option('truncate','false').option('checkpointLocation',f'{B}/ck_t2_{uuid.uuid4().hex[:6]}').trigger(processingTime='1 second').queryName('q1').start()
dumpb('start console')
q.processAllAvailable(); dumpb('processAllAvailable')
q.status; dumpb('status')
print(q.lastProgress.json if q.lastProgress else None); dumpb('lastProgress')
q.recentProgress; dumpb('recentProgress',300)
print(q.isActive, q.exception()); dumpb('isActive, exception')
print(q.awaitTermination(1)); dumpb('awaitTermination(1)')
q.explain(); dumpb('explain',800)
print(spark.streams.active, spark.streams.get(q.id)); dumpb('active/get')
print(spark.streams.awaitAnyTermination(1)); dumpb('awaitAny')
spark.streams.resetTerminated(); dumpb('reset')
q.stop(); dumpb('stop')
print(spark.streams.get(q.id), q.isActive, q.status); dumpb('get after stop')
q.awaitTermination(); dumpb('awaitTermination none')
# foreachBatch
FBOUT=f'{B}/fbout'
def fb(bdf,bid):
    bdf.write.mode('append').parquet(FBOUT)
q=ev.writeStream.foreachBatch(fb).trigger(availableNow=True).start(); dumpb('foreachBatch start',1500)
print(q.awaitTermination(60), q.exception()); dumpb('fb end',900)
# memory + dedup + join + sql
d=ev.withWatermark('event_time','10 seconds').dropDuplicatesWithinWatermark(['user_id']); d.schema; dumpb('dedupWithinWM')
d=ev.withWatermark('event_time','10 seconds').dropDuplicates(['user_id','event_time']); d.schema; dumpb('dedup')
l=ev.withWatermark('event_time','1 minute').alias('l'); r=ev.withWatermark('event_time','2 minutes').alias('r')
j=l.join(r,F.expr('l.user_id=r.user_id and r.event_time between l.event_time and l.event_time + interval 5 minutes'),'leftOuter').select('l.user_id',F.col('r.amount')); j.schema; dumpb('join')
j2=l.join(r,'user_id').select('user_id'); j2.schema; dumpb('join using')
q=ev.groupBy('user_id').count().writeStream.format('memory').queryName('mem1').outputMode('complete').start(); q.processAllAvailable(); dumpb('memory',900)
spark.sql('select * from mem1').show(); spark.table('mem1').count(); dumpb('read mem',1200); q.stop()
n=len(grpc_recorder.LOG)
q=raw.selectExpr("CAST(key AS STRING) AS key","to_json(struct(*)) AS value").writeStream.format('kafka').option('kafka.bootstrap.servers',os.environ['WIRE_KAFKA']).option('topic',os.environ['WIRE_TOPIC']+'_out').option('checkpointLocation',f'{B}/ck_k_{uuid.uuid4().hex[:6]}').trigger(once=True).start(); dumpb('kafka sink'); q.awaitTermination(30); n=len(grpc_recorder.LOG)
q=ev.writeStream.toTable('tbl1',format='parquet',checkpointLocation=f'{B}/ck_tt_{uuid.uuid4().hex[:6]}'); dumpb('toTable'); q.processAllAvailable(); q.stop()
ev.withColumn('x',F.col('amount')*2).withColumnRenamed('x','y').drop('y').where('amount > 1').selectExpr('*').groupBy('user_id').agg({'amount':'sum'}).orderBy(F.desc('sum(amount)')).limit(3).schema; dumpb('misc relations')
ev.select(F.when(F.col('amount')>1,F.lit('hi')).otherwise('lo').alias('c'),F.col('data') if False else F.col('user_id').isin('a','b'),F.col('user_id').like('a%'),F.to_timestamp('user_id','yyyy-MM-dd'),F.current_timestamp(),F.session_window('event_time','5 minutes'),F.col('amount').cast(DecimalType(10,2)), F.lit(1), F.lit(1.5), F.lit('x'), F.lit(None), F.date_trunc('hour','event_time'), F.expr('amount+1'), ~F.col('user_id').isNull(), F.coalesce('user_id',F.lit('z')), F.concat_ws('-','user_id'), F.struct('user_id','amount'), F.col('amount').between(1,2), F.count_distinct('user_id') if False else F.lit(True)); 
try:
    ev.select(F.when(F.col('amount')>1,F.lit('hi')).otherwise('lo').alias('c'),F.col('user_id').isin('a','b'),F.col('user_id').like('a%'),F.to_timestamp('user_id','yyyy-MM-dd'),F.current_timestamp(),F.col('amount').cast(DecimalType(10,2)), F.lit(1), F.lit(1.5), F.lit('x'), F.lit(None), F.date_trunc('hour','event_time'), F.expr('amount+1'), ~F.col('user_id').isNull(), F.coalesce('user_id',F.lit('z')), F.struct('user_id','amount'), F.col('amount').between(1,2), F.col('amount').cast('int')).schema
except Exception as e: print(str(e)[:300])
dumpb('expressions',6000)
# listener
from pyspark.sql.streaming import StreamingQueryListener
class L(StreamingQueryListener):
    def onQueryStarted(self,e): print('LST started',e.id,e.name,e.timestamp)
    def onQueryProgress(self,e): print('LST progress',e.progress.batchId)
    def onQueryIdle(self,e): print('LST idle')
    def onQueryTerminated(self,e): print('LST term',e.exception,e.errorClassOnException)
li=L(); spark.streams.addListener(li); dumpb('addListener')
q=ev.writeStream.format('noop').trigger(availableNow=True).start(); q.awaitTermination(30); time.sleep(1); dumpb('with listener',2500)
spark.streams.removeListener(li); dumpb('removeListener',600)
# errors
def err(name,f):
    global n
    n=len(grpc_recorder.LOG)
    try: f(); print('NOERR',name)
    except Exception as e:
        print('ERR',name,type(e).__name__,'|',getattr(e,'getCondition',lambda:None)(),'|',getattr(e,'getSqlState',lambda:None)(),'|',str(e).split('\nJVM stack')[0][:600].replace('\n','\\n'))
ck=lambda: f'{B}/ck_e_{uuid.uuid4().hex[:6]}'
err('append agg no wm',lambda: ev.groupBy('user_id').count().writeStream.format('console').outputMode('append').start())
dumpb('err trace',2500)
err('complete no agg',lambda: ev.writeStream.format('console').outputMode('complete').start())
err('bad mode',lambda: ev.writeStream.format('console').outputMode('foo').start())
err('no ckpt parquet',lambda: ev.writeStream.format('parquet').start(hz.B+'/nock'))
err('no path',lambda: ev.writeStream.format('parquet').option('checkpointLocation',ck()).start())
err('parquet update',lambda: ev.groupBy('user_id').count().writeStream.format('parquet').outputMode('update').option('checkpointLocation',ck()).start(hz.B+'/px'))
err('collect stream',lambda: ev.collect())
err('show stream',lambda: ev.show())
err('write stream batch',lambda: ev.write.parquet(hz.B+'/zz'))
err('writeStream batch df',lambda: spark.range(1).writeStream.format('console').start())
err('no subscribe',lambda: spark.readStream.format('kafka').option('kafka.bootstrap.servers','x:1').load())
err('no bootstrap',lambda: spark.readStream.format('kafka').option('subscribe','x').load())
err('startingOffsets latest batch',lambda: spark.read.format('kafka').option('kafka.bootstrap.servers',os.environ['WIRE_KAFKA']).option('subscribe','x').option('startingOffsets','latest').load())
err('group.id deser',lambda: spark.readStream.format('kafka').option('kafka.bootstrap.servers','x:1').option('subscribe','x').option('kafka.key.deserializer','x').load())
err('auto.offset.reset',lambda: spark.readStream.format('kafka').option('kafka.bootstrap.servers','x:1').option('subscribe','x').option('kafka.auto.offset.reset','x').load())
err('missing col',lambda: ev.select('nope').schema)
err('bad source',lambda: spark.readStream.format('nosuch').load())
err('no schema json',lambda: spark.readStream.format('json').load(hz.B))
err('sort no agg',lambda: ev.orderBy('user_id').writeStream.format('console').start())
err('limit update',lambda: ev.limit(3).writeStream.format('console').outputMode('update').start())
err('distinct agg',lambda: ev.groupBy('user_id').agg(F.countDistinct('amount')).writeStream.format('console').outputMode('complete').start())
err('two agg update',lambda: ev.withWatermark('event_time','1 minute').groupBy(F.window('event_time','1 minute')).count().groupBy('count').count().writeStream.format('console').outputMode('update').start())
err('join outer no wm',lambda: ev.alias('a').join(ev.alias('b'),F.expr('a.user_id=b.user_id'),'leftOuter').writeStream.format('console').start())
err('join update',lambda: ev.alias('a').join(ev.alias('b'),F.expr('a.user_id=b.user_id')).select('a.user_id').writeStream.format('console').outputMode('update').start())
err('dedupWithinWM no wm',lambda: ev.dropDuplicatesWithinWatermark(['user_id']).writeStream.format('console').start())
err('wm type',lambda: ev.withWatermark('user_id','1 minute').schema)
err('wm delay',lambda: ev.withWatermark('event_time','abc').schema)
err('wm neg',lambda: ev.withWatermark('event_time','-1 minutes').schema)
err('window neg',lambda: ev.groupBy(F.window('event_time','5 minutes','10 minutes')).count().schema)
err('trigger bad',lambda: ev.writeStream.format('console').trigger(processingTime='foo').start())
err('dup name',lambda: [ev.writeStream.format('noop').queryName('dup').start() for _ in range(2)])
for qq in spark.streams.active: qq.stop()
err('memory noname',lambda: ev.writeStream.format('memory').start())
err('session window update',lambda: ev.withWatermark('event_time','1 minute').groupBy(F.session_window('event_time','1 minute'),'user_id').count().writeStream.format('console').outputMode('update').start())
err('non-time window',lambda: ev.selectExpr('*','row_number() over (partition by user_id order by event_time) rn').writeStream.format('noop').start())
err('continuous agg',lambda: ev.groupBy('user_id').count().writeStream.format('console').outputMode('complete').trigger(continuous='1 second').start())
q=ev.selectExpr('assert_true(false)').writeStream.format('noop').start()
err('proc',lambda: q.processAllAvailable())
n=len(grpc_recorder.LOG)
err('await',lambda: q.awaitTermination())
dumpb('failed query awaitTermination',2500)
e=q.exception(); print('EXC',type(e),str(e)[:1200]); dumpb('exception cmd',2500)
print(q.status,q.isActive); print(spark.streams.active)
spark.stop()
