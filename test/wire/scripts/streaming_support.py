import os; os.environ["SPARK_CONNECT_MODE_ENABLED"]="1"
import sys
import grpc_recorder, os, json, shutil, time, uuid
from pyspark.sql import functions as F
from pyspark.sql.types import *
B=os.environ['WIRE_FOLDER']
os.makedirs(B,exist_ok=True)
spark=None
def init():
    global spark
    spark=grpc_recorder.session()
    return spark
class Src:
    def __init__(s,name,fmt='json'):
        s.dir=f'{B}/{name}_{uuid.uuid4().hex[:6]}'; os.makedirs(s.dir); s.n=0
    def add(s,rows):
        p=f'{s.dir}/.t{s.n}'; 
        with open(p,'w') as f:
            for r in rows: f.write((r if isinstance(r,str) else json.dumps(r))+'\n')
        os.rename(p,f'{s.dir}/f{s.n:05d}.json'); s.n+=1
def jrow(r):
    def c(v):
        import datetime, decimal
        if isinstance(v,(datetime.datetime,datetime.date)): return str(v)
        if isinstance(v,decimal.Decimal): return 'D'+str(v)
        if hasattr(v,'asDict'): return {k:c(x) for k,x in v.asDict().items()}
        if isinstance(v,(list,tuple)): return [c(x) for x in v]
        if isinstance(v,(bytes,bytearray)): return 'b:'+bytes(v).hex()
        if isinstance(v,dict): return {str(k):c(x) for k,x in v.items()}
        if isinstance(v,float) and (v!=v or v in (float('inf'),float('-inf'))): return str(v)
        return v
    return [c(v) for v in r]
