#pragma once

// All that this folder uses of DPDK, in one place: its headers define likely and unlikely as
// macros, which are names and attributes of C++, and need them until the last of them is read.

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_stack.h>
#include <rte_version.h>

#undef likely
#undef unlikely

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace smol::dataplane {

/// A chain of buffers is about to leave this thread through DPDK (a ring, a device, the pool),
/// which ThreadSanitizer cannot see into. Nothing without it.
inline void tsan_give([[maybe_unused]] rte_mbuf* chain) noexcept {
#ifdef __SANITIZE_THREAD__
  for (; chain != nullptr; chain = chain->next) __tsan_release(chain);
#endif
}

/// And arrived at this one.
inline void tsan_take([[maybe_unused]] rte_mbuf* chain) noexcept {
#ifdef __SANITIZE_THREAD__
  __tsan_acquire(chain);
#endif
}

}  // namespace smol::dataplane
