// C11 threads on top of POSIX threads, linked into programs of the tsan preset only.
//
// librdkafka starts its threads with C11's thrd_create. GCC 12's ThreadSanitizer does not
// know that function: a thread started by it crashes in the first call that the sanitizer
// intercepts, and the locks of <threads.h> do not count as synchronisation. These
// definitions take the place of libc's and call what the sanitizer does know. glibc gives
// mtx_t and cnd_t the layout of their POSIX counterparts.

#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* Run(void* opaque) {
  const Start start = *static_cast<Start*>(opaque);
  delete static_cast<Start*>(opaque);
  return reinterpret_cast<void*>(static_cast<intptr_t>(start.function(start.argument)));
}

int ToC11(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case EBUSY:
      return thrd_busy;
    case ETIMEDOUT:
      return thrd_timedout;
    case ENOMEM:
      return thrd_nomem;
    default:
      return thrd_error;
  }
}

static_assert(sizeof(once_flag) == sizeof(pthread_once_t));
static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t));
static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t));

pthread_mutex_t* ToPosix(mtx_t* mutex) {
  return reinterpret_cast<pthread_mutex_t*>(mutex);
}

pthread_cond_t* ToPosix(cnd_t* condition) {
  return reinterpret_cast<pthread_cond_t*>(condition);
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto* start = new Start{function, argument};
  const int error = pthread_create(thread, nullptr, Run, start);
  if (error != 0) delete start;
  return ToC11(error);
}

int thrd_join(thrd_t thread, int* result) {
  void* returned = nullptr;
  const int error = pthread_join(thread, &returned);
  if (error == 0 && result != nullptr) {
    *result = static_cast<int>(reinterpret_cast<intptr_t>(returned));
  }
  return ToC11(error);
}

int thrd_detach(thrd_t thread) { return ToC11(pthread_detach(thread)); }

// librdkafka makes its global locks in such a function.
void call_once(once_flag* flag, void (*function)()) {
  pthread_once(reinterpret_cast<pthread_once_t*>(flag), function);
}

// Not seen by the sanitizer: librdkafka hands new locks to other threads under its
// read-write locks, which tsan.supp makes invisible.
__attribute__((no_sanitize("thread"))) int mtx_init(mtx_t* mutex, int type) noexcept {
  *ToPosix(mutex) = (type & mtx_recursive) != 0
                        ? pthread_mutex_t PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP
                        : pthread_mutex_t PTHREAD_MUTEX_INITIALIZER;
  return thrd_success;
}

void mtx_destroy(mtx_t* mutex) noexcept { pthread_mutex_destroy(ToPosix(mutex)); }
int mtx_lock(mtx_t* mutex) { return ToC11(pthread_mutex_lock(ToPosix(mutex))); }
int mtx_trylock(mtx_t* mutex) noexcept {
  return ToC11(pthread_mutex_trylock(ToPosix(mutex)));
}
int mtx_unlock(mtx_t* mutex) noexcept {
  return ToC11(pthread_mutex_unlock(ToPosix(mutex)));
}

int cnd_init(cnd_t* condition) noexcept {
  return ToC11(pthread_cond_init(ToPosix(condition), nullptr));
}
void cnd_destroy(cnd_t* condition) noexcept { pthread_cond_destroy(ToPosix(condition)); }
int cnd_signal(cnd_t* condition) noexcept {
  return ToC11(pthread_cond_signal(ToPosix(condition)));
}
int cnd_broadcast(cnd_t* condition) noexcept {
  return ToC11(pthread_cond_broadcast(ToPosix(condition)));
}
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return ToC11(pthread_cond_wait(ToPosix(condition), ToPosix(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  return ToC11(pthread_cond_timedwait(ToPosix(condition), ToPosix(mutex), until));
}

}  // extern "C"
