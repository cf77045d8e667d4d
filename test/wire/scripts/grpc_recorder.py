import grpc, os, time, threading, sys
from google.protobuf import text_format
import pyspark.sql.connect.proto as pb2
LOG=[]
lock=threading.Lock()
t0=time.time()
def short(m):
    import copy
    m=copy.deepcopy(m)
    s=text_format.MessageToString(m, as_one_line=True)
    return s
def log(d,meth,m):
    with lock:
        LOG.append((round(time.time()-t0,3),d,meth.split('/')[-1],m))
class RecI(grpc.UnaryUnaryClientInterceptor,grpc.UnaryStreamClientInterceptor,grpc.StreamUnaryClientInterceptor):
    def intercept_unary_unary(self, cont, det, req):
        log('>',det.method,req)
        call=cont(det,req)
        try:
            log('<',det.method,call.result())
        except Exception as e:
            log('!',det.method,e)
        return call
    def intercept_unary_stream(self, cont, det, req):
        log('>',det.method,req)
        call=cont(det,req)
        class W:
            def __init__(s,c): s.c=c
            def __iter__(s): return s
            def __next__(s):
                try:
                    r=next(s.c)
                except StopIteration:
                    log('.',det.method,'EOS'); raise
                except Exception as e:
                    log('!',det.method,e); raise
                log('<',det.method,r); return r
            def __getattr__(s,a): return getattr(s.c,a)
        return W(call)
    def intercept_stream_unary(self, cont, det, it):
        def g():
            for r in it:
                log('>',det.method,r); yield r
        call=cont(det,g())
        try: log('<',det.method,call.result())
        except Exception as e: log('!',det.method,e)
        return call
def session(url=os.environ['WIRE_URL'], **kw):
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.session import SparkSession
    b=DefaultChannelBuilder(url)
    b.add_interceptor(RecI())
    return SparkSession.builder.channelBuilder(b).getOrCreate()
def dump(f=sys.stdout, start=0, maxlen=4000):
    for t,d,m,x in LOG[start:]:
        if isinstance(x,str): s=x
        elif isinstance(x,Exception): s=repr(x)[:1500]
        else: s=short(x)
        if len(s)>maxlen: s=s[:maxlen]+'...'
        print(f'{t:8.3f} {d} {m} {s}',file=f)
