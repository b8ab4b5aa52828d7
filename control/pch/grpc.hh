// Precompiled: most of what a service takes to compile is this.
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>
