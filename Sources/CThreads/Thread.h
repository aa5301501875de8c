#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>

// A detached thread that takes no signal: 0 or an errno.
int start_thread(void *(*body)(void *), void *argument, size_t stack);

#endif
