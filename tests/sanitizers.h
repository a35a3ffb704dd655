/* SPDX-License-Identifier: MIT */
/* Which sanitizer a test program was built with. */
#ifndef TESTS_SANITIZERS_H
#define TESTS_SANITIZERS_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SUPPORT_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define SUPPORT_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(SUPPORT_ASAN)
#define SUPPORT_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(SUPPORT_TSAN)
#define SUPPORT_TSAN 1
#endif
#ifndef SUPPORT_ASAN
#define SUPPORT_ASAN 0
#endif
#ifndef SUPPORT_TSAN
#define SUPPORT_TSAN 0
#endif
#define SUPPORT_SANITIZED (SUPPORT_ASAN || SUPPORT_TSAN)

#endif /* TESTS_SANITIZERS_H */
